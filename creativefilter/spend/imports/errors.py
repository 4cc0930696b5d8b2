"""Errors of an import of spend."""

from __future__ import annotations

from creativefilter.site.codes import CodedError


class SpendFileError(CodedError):
    """A file can't be imported; nothing of it was."""


class Cancelled(Exception):  # noqa: N818 (it is no error)
    """Somebody asked the import to stop, and it did."""
