"""Compare the sums of spend with the rows exactly, and rebuild the sums from the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from creativefilter.creatives.models import Creative
from creativefilter.spend.fields import roubles
from creativefilter.spend.models import MonthlySpend, SpendTotal
from creativefilter.spend.totals import creative_links, segment_changes, spend_totals
from creativefilter.spend.totals.spend_totals import MONTHS_BY_SEGMENT

FILL_MONTHS = """
    INSERT INTO spend_monthlyspend (advertisement_id, line_id, month, amount, placements)
    SELECT advertisement_id, line_id, month, CAST(SUM(amount) AS bigint), COUNT(*)
    FROM spend_spendrow GROUP BY advertisement_id, line_id, month
    ORDER BY advertisement_id
"""
# Monthly sums minus the sums of the rows: every remainder is a difference.
MONTHS = """
    SELECT advertisement_id, line_id, month, SUM(amount), SUM(placements) FROM (
        SELECT advertisement_id, line_id, month, amount, placements FROM spend_monthlyspend
        UNION ALL
        SELECT advertisement_id, line_id, month, -amount, -1 FROM spend_spendrow
    ) both_sides
    GROUP BY advertisement_id, line_id, month
    HAVING SUM(amount) <> 0 OR SUM(placements) <> 0
"""
TOTALS = f"""
    SELECT month, line_id, segment, reviewed, SUM(amount), SUM(placements) FROM (
        SELECT month, line_id, segment, reviewed, amount, placements FROM spend_spendtotal
        UNION ALL
        SELECT month, line_id, segment, reviewed, -amount, -placements
        FROM ({MONTHS_BY_SEGMENT}) expected
    ) both_sides
    GROUP BY month, line_id, segment, reviewed
    HAVING SUM(amount) <> 0 OR SUM(placements) <> 0
"""  # noqa: S608 (constants)
# Imports in the state "imported" still have all their rows: count and sum must be those recorded.
IMPORTS = """
    SELECT i.name, i.id, COALESCE(r.amount, 0) - i.amount, COALESCE(r.n, 0) - i.rows
    FROM spend_spendimport i LEFT JOIN (
        SELECT spend_import_id, SUM(amount) AS amount, COUNT(*) AS n
        FROM spend_spendrow GROUP BY spend_import_id
    ) r ON r.spend_import_id = i.id
    WHERE i.state = 'imported' AND (COALESCE(r.n, 0) <> i.rows OR COALESCE(r.amount, 0) <> i.amount)
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that differs from its rows.

    Attributes:
        table: Database table that holds the sum.
        what: Key of the sum in this table, as text.
        amount: The sum minus its rows, in roubles; for an import, its rows minus its recorded sum.
        rows: The same difference as a number of placements or rows.
    """

    table: str
    what: str
    amount: Decimal
    rows: int

    def __str__(self) -> str:
        return f"{self.table}: {self.what}: {self.amount:+} RUB, {self.rows:+}"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Differences between sums and rows. Changes that wait to be counted are not among them.

    Attributes:
        differences: Sums that differ from their rows.
        misplaced: Number of advertisements counted under another segment than their effective one.
        unlinked: Number of creatives that have spend and are not linked to it.
    """

    differences: list[Difference]
    misplaced: int
    unlinked: int

    @property
    def agrees(self) -> bool:
        return not (self.differences or self.misplaced or self.unlinked)


def check() -> CheckResult:
    """Compare every sum with its rows. Writes nothing, and may run while others write."""
    return CheckResult(
        differences=[
            *_differences(MonthlySpend._meta.db_table, MONTHS),
            *_differences(SpendTotal._meta.db_table, TOTALS),
            *_differences("spend_spendimport", IMPORTS),
        ],
        misplaced=_twice(segment_changes.overlooked),
        unlinked=_twice(_unlinked),
    )


def _twice(count: Callable[[], int]) -> int:
    """Repeat a count that is not zero: others may have written between its statements."""
    return count() and count()


def _unlinked() -> int:
    arrived = segment_changes.pending_changes().arrived.filter(pk=OuterRef("pk"))
    return creative_links.unlinked(Creative.objects.filter(~Exists(arrived))).count()


def rebuild() -> None:
    """Recompute monthly spend and totals from the rows, in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        spend_totals.lock()
        pending = segment_changes.pending_changes()
        cursor.execute("DELETE FROM spend_monthlyspend")
        cursor.execute(FILL_MONTHS)
        creative_links.link(Creative.objects.all())
        segment_changes.refresh(Creative.objects.all())
        spend_totals.rebuild()
        # The watermark is part of the version of cached answers (``reports.answer_cache``).
        pending.next_watermark.save()


def _differences(table: str, statement: str) -> list[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [
            Difference(table, " · ".join(map(str, key)), roubles(int(amount)), int(rows))
            for *key, amount, rows in cursor.fetchall()
        ]
