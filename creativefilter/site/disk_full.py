"""A full disk, however it shows itself. Its code is ``storage_full``: no file is to blame."""

from __future__ import annotations

import errno

from django.db import DatabaseError

_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
# PostgreSQL's "disk_full"; SQLite says it in words alone.
_SQLSTATE = "53100"
_SQLITE = "database or disk is full"


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that a disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _ERRNOS:
            return True
        if isinstance(error, DatabaseError) and _SQLITE in str(error):
            return True
        if getattr(error, "sqlstate", None) == _SQLSTATE:
            return True
        error = error.__cause__ or error.__context__
    return False
