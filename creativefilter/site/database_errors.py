"""Distinguish a database that is unreachable or busy from errors of the program."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from django.db import InterfaceError, OperationalError

# SQLSTATE prefixes: connection exception, insufficient resources, operator intervention, system
# error (PostgreSQL documentation, Appendix A).
_AWAY_CLASSES = ("08", "53", "57P", "58")
_SQLITE_AWAY = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def code_of(error: BaseException | None) -> str:
    """Return ``database_away``, ``database_busy``, or "" for any other error.

    Args:
        error: An exception; its causes (``__cause__``) are searched too.
    """
    for one in _chain(error):
        if isinstance(one, sqlite3.Error):
            return _of_sqlite(one)
        if isinstance(one, OperationalError | InterfaceError):
            cause = one.__cause__
            return _of_sqlite(cause) if isinstance(cause, sqlite3.Error) else _of_server(cause)
    return ""


def _of_sqlite(error: sqlite3.Error) -> str:
    # Primary result code; the higher bytes belong to the extended code (sqlite.org/rescode.html).
    number = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if number in _SQLITE_BUSY:
        return "database_busy"
    return "database_away" if number in _SQLITE_AWAY else ""


def _of_server(error: BaseException | None) -> str:
    state = getattr(error, "sqlstate", None)
    # Without an SQLSTATE the error did not come from a server: there was no connection.
    return "database_away" if not state or state.startswith(_AWAY_CLASSES) else "database_busy"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
