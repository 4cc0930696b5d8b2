"""Which errors of the database say that it can't be asked now, and not that we asked wrongly."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from django.db import InterfaceError, OperationalError

# Of PostgreSQL: connections, resources, an operator who intervenes, the system (Appendix A).
_AWAY_CLASSES = ("08", "53", "57P", "58")
_SQLITE_AWAY = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def code_of(error: BaseException | None) -> str:
    """Return ``database_away``, ``database_busy``, or "" for what is no such error."""
    for one in _chain(error):
        if isinstance(one, sqlite3.Error):
            return _of_sqlite(one)
        if isinstance(one, OperationalError | InterfaceError):
            cause = one.__cause__
            return _of_sqlite(cause) if isinstance(cause, sqlite3.Error) else _of_server(cause)
    return ""


def _of_sqlite(error: sqlite3.Error) -> str:
    # The lower byte is the kind, the rest says more of it.
    number = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if number in _SQLITE_BUSY:
        return "database_busy"
    return "database_away" if number in _SQLITE_AWAY else ""


def _of_server(error: BaseException | None) -> str:
    state = getattr(error, "sqlstate", None)
    # No state: there was no server to give one.
    return "database_away" if not state or state.startswith(_AWAY_CLASSES) else "database_busy"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
