"""Exceptions of spend imports."""

from __future__ import annotations

from creativefilter.site.codes import CodedError


class SpendFileError(CodedError):
    """A file can't be imported. Nothing was written."""
