"""Helpers for a database with concurrent writers that may be unreachable for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Model, QuerySet

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)
T = TypeVar("T")

# Rows that one query of ``in_batches`` reads.
BATCH = 2_000
# Exceptions while the database is busy, restarting or unreachable.
UNREACHABLE = (OperationalError, InterfaceError)
# Seconds before the second try, and the longest pause between later tries.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


def in_batches(rows: QuerySet[M], size: int = BATCH) -> Iterator[M]:
    """Yield model instances in the order of their primary keys, with no open cursor in between.

    Use it instead of ``iterator()`` where the loop writes or takes long: on SQLite a connection
    with an open cursor can't write once another process has committed, whatever the busy timeout.

    Args:
        rows: The rows to read; their ordering is replaced.
        size: Rows per query.
    """
    ordered = rows.order_by("pk")
    page = list(ordered[:size])
    while page:
        yield from page
        page = list(ordered.filter(pk__gt=page[-1].pk)[:size]) if len(page) == size else []


def reconnect() -> None:
    """Close this thread's connection, so that the next query opens a new one.

    Needed after an error, since an open cursor or a broken connection makes the next write fail.
    Does nothing within a transaction.
    """
    if not connection.in_atomic_block:
        connection.close()


def is_there() -> bool:
    """Return whether the database may exist: connecting to a missing SQLite file creates it."""
    name = connection.settings_dict["NAME"]
    return connection.vendor != "sqlite" or Path(name).is_file()


def is_lost() -> bool:
    """Return whether this thread has no usable connection to the database server.

    Always False on SQLite, which has no server.
    """
    if connection.vendor == "sqlite":
        return False
    return connection.connection is None or not connection.is_usable()


def persistently(work: Callable[[], T], seconds: float) -> T:
    """Call ``work``, and again on a new connection while the database is unreachable.

    Args:
        work: Reads or writes in a transaction of its own, since it is repeated as a whole. Within
            a transaction of the caller it is called only once.
        seconds: How long to try.

    Returns:
        The result of ``work``.

    Raises:
        OperationalError, InterfaceError: The error of the last try.
    """
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            return work()
        except UNREACHABLE as error:
            if connection.in_atomic_block or time.monotonic() + pause > deadline:
                raise
            logger.warning("database unreachable, next try in %.1f s: %s", pause, error)
        reconnect()
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
