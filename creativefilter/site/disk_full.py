"""Detect a full disk in an exception. Its error code is ``storage_full``."""

from __future__ import annotations

import errno

from django.db import DatabaseError

_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
# PostgreSQL's "disk_full"; for SQLite only the message is checked.
_SQLSTATE = "53100"
_SQLITE = "database or disk is full"


def is_full(error: BaseException | None) -> bool:
    """Return whether an exception or one of its causes reports a full disk or quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _ERRNOS:
            return True
        if isinstance(error, DatabaseError) and _SQLITE in str(error):
            return True
        if getattr(error, "sqlstate", None) == _SQLSTATE:
            return True
        error = error.__cause__ or error.__context__
    return False
