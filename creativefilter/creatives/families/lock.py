"""The advisory lock that serialises changes of families and of the exam set."""

from __future__ import annotations

from django.db import connection

_LOCK = 6_210_704_331  # any number that no other advisory lock of the project has


def lock() -> None:
    """Serialise changes of families and of the exam set until the transaction ends.

    Without the lock, two near duplicates that are stored at the same time would not find each
    other. SQLite needs none: it has one writer at a time. Call it in a transaction, before it
    locks any creative.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
