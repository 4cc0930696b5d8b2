"""Lock for writers of the sums, and the SQL that writes ``SpendTotal``."""

from __future__ import annotations

from django.db import connection

# Key of the advisory lock: any number that no other part of the project locks by.
LOCK = 0x5350454E44

# The rows that ``SpendTotal`` sums up: monthly spend with the segment of the advertisement.
MONTHS_BY_SEGMENT = """
    SELECT m.month, m.line_id, a.segment, a.reviewed, m.amount, m.placements
    FROM spend_monthlyspend m JOIN spend_advertisement a ON a.id = m.advertisement_id
"""
# Without "WHERE TRUE" SQLite would parse "ON CONFLICT" as the condition of a join.
_ADD = """
    INSERT INTO spend_spendtotal (month, line_id, segment, reviewed, amount, placements)
    SELECT month, line_id, segment, reviewed,
        CAST(SUM(amount) AS bigint), CAST(SUM(placements) AS integer)
    FROM ({changes}) changes
    WHERE TRUE GROUP BY month, line_id, segment, reviewed
    ON CONFLICT (month, line_id, segment, reviewed) DO UPDATE SET
        amount = spend_spendtotal.amount + EXCLUDED.amount,
        placements = spend_spendtotal.placements + EXCLUDED.placements
"""


def lock() -> None:
    """Make other writers of sums wait until this transaction ends.

    Does nothing on SQLite, which allows one writing transaction at a time.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        # With the default, the sorts and joins of this transaction would spill to disk.
        cursor.execute("SET LOCAL work_mem = '64MB'")


def add(changes: str) -> None:
    """Add the rows of a query to ``SpendTotal``.

    Args:
        changes: SQL without parameters that selects month, line_id, segment, reviewed, amount (in
            ten-thousandths of a rouble) and placements; negative numbers are subtracted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(changes=changes))


def rebuild() -> None:
    """Recompute all totals from ``MonthlySpend``."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM spend_spendtotal")
    add(MONTHS_BY_SEGMENT)
