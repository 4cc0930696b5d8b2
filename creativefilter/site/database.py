"""Reading and writing a database that others write to, and that may be away for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Model, QuerySet

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)
T = TypeVar("T")

# Rows that one query of ``in_batches`` reads.
BATCH = 2_000
# What is raised while the database is busy, is being started again or can't be reached.
UNREACHABLE = (OperationalError, InterfaceError)
# Seconds before the second try, and the most between two later ones.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


def in_batches(rows: QuerySet[M], size: int = BATCH) -> Iterator[M]:
    """Yield model instances in the order of their keys, without an open cursor between queries.

    To be used instead of ``iterator()`` where the loop writes, or lasts: on SQLite a connection
    with an open cursor can't write once another process has committed, and no busy timeout helps.

    Args:
        rows: The rows to read; an order of their own is dropped.
        size: How many are read at once.
    """
    ordered = rows.order_by("pk")
    page = list(ordered[:size])
    while page:
        yield from page
        page = list(ordered.filter(pk__gt=page[-1].pk)[:size]) if len(page) == size else []


def reconnect() -> None:
    """Drop this thread's connection, so that the next query opens a new one.

    Does nothing within a transaction. A cursor that was left open, or a connection that broke,
    would make the next write fail.
    """
    if not connection.in_atomic_block:
        connection.close()


def is_lost() -> bool:
    """Whether this thread's connection broke or could not be made: the server was away.

    False on SQLite, which has no server.
    """
    if connection.vendor == "sqlite":
        return False
    return connection.connection is None or not connection.is_usable()


def persistently(work: Callable[[], T], seconds: float) -> T:
    """Call ``work`` until the database can be reached, on a new connection each time.

    Args:
        work: Reads or writes in a transaction of its own: it is repeated as a whole. Within a
            transaction of the caller it is called once.
        seconds: When to give up.

    Raises:
        OperationalError, InterfaceError: The last failure.
    """
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            return work()
        except UNREACHABLE as error:
            if connection.in_atomic_block or time.monotonic() + pause > deadline:
                raise
            logger.warning("the database is asked again in %.1f s: %s", pause, error)
        reconnect()
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
