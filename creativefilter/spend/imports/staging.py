"""Temporary tables for the rows of a file, visible in this connection only.

Filling them blocks no other writer, and the tables of a process that was killed disappear with its
connection. ``merging`` copies their content to the permanent tables in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection

from creativefilter.site.unavailable import Unavailable
from creativefilter.spend.imports.rows import Bad, Good
from creativefilter.spend.models import BadRow

TABLES = {
    "spend_staged_row": "ad integer, line integer, month date, amount bigint",
    # "key" is the primary key in the permanent table, set by ``merging``.
    "spend_staged_ad": "id integer PRIMARY KEY, advertisement_id varchar(64), key integer",
    "spend_staged_line": (
        "id integer PRIMARY KEY, advertiser varchar(255), brand varchar(255), "
        "media_type varchar(64), key integer"
    ),
    "spend_staged_bad": (
        "id integer PRIMARY KEY, sheet varchar(255), line integer, reason varchar(16), cells text"
    ),
}
MONTHS = "spend_staged_month"
SUMMED = f"""
    CREATE TEMPORARY TABLE {MONTHS} AS
    SELECT ad, line, month, CAST(SUM(amount) AS bigint) AS amount, COUNT(*) AS placements
    FROM spend_staged_row GROUP BY ad, line, month
"""  # noqa: S608 (a constant)


def create() -> None:
    """Create empty tables, dropping those that an abandoned import left in this connection."""
    drop()
    with connection.cursor() as cursor:
        for name, columns in TABLES.items():
            cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")


def require() -> None:
    """Check that the staged rows still exist.

    Raises:
        Unavailable: The connection that the rows were staged in was closed.
    """
    name = next(iter(TABLES))
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT 1 FROM sqlite_temp_master WHERE name = %s", [name])
        else:
            cursor.execute("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", [f"pg_temp.{name}"])
        if cursor.fetchone() is None:
            raise Unavailable("database_busy", "the connection with the staged rows was closed")


def drop() -> None:
    """Drop the temporary tables, if there are any."""
    with connection.cursor() as cursor:
        for name in (*TABLES, MONTHS):
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def add(good: Sequence[Good], bad: Sequence[Bad], bad_before: int) -> None:
    """Insert rows of the file.

    Args:
        good: Good rows, in the order of the file.
        bad: Bad rows, in the order of the file.
        bad_before: Number of bad rows that earlier calls have added.
    """
    with _in_one_transaction():
        _insert("spend_staged_row", good)
        _insert(
            "spend_staged_bad",
            [
                (number, b.sheet[:255], b.line, b.reason.value, json.dumps(b.cells))
                for number, b in enumerate(bad, bad_before)
            ],
        )


def finish(advertisements: Sequence[str], lines: Sequence[tuple[str, str, str]]) -> None:
    """Insert names and compute monthly sums, after the last row.

    Args:
        advertisements: Advertisement IDs by the numbers that good rows refer to.
        lines: Advertiser, brand and media type by the numbers that good rows refer to.
    """
    with _in_one_transaction(), connection.cursor() as cursor:
        _insert("spend_staged_ad", [(n, name, None) for n, name in enumerate(advertisements)])
        _insert("spend_staged_line", [(n, *names, None) for n, names in enumerate(lines)])
        cursor.execute(SUMMED)
        if connection.vendor == "postgresql":
            # Autovacuum does not analyze temporary tables, and the merge joins all of them.
            cursor.execute(f"ANALYZE {', '.join((*TABLES, MONTHS))}")


def bad_rows() -> Iterator[Bad]:
    """Yield the staged bad rows in the order of the file."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT line, reason, cells, sheet FROM spend_staged_bad ORDER BY id")
        for line, reason, cells, sheet in iter(cursor.fetchone, None):
            yield Bad(line, BadRow.Reason(reason), json.loads(cells), sheet)


def _insert(table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608


@contextmanager
def _in_one_transaction() -> Iterator[None]:
    """On SQLite, run the block in one transaction instead of one for each statement.

    The transaction is deferred: it locks only the temporary tables, not the database.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")
