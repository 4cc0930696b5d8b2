"""Errors of an import of spend."""

from __future__ import annotations

from creativefilter.site.codes import CodedError


class SpendFileError(CodedError):
    """A file can't be imported; nothing of it was."""
