"""The error of everything that reads or writes tables of advertisements."""

from __future__ import annotations

from creativefilter.site.codes import CodedError


class TableFileError(CodedError):
    """A table can't be answered."""
