"""Merge of the staged rows into the tables, in the caller's transaction.

The merge is done in SQL, so that the rows do not pass through Python again. The statements run on
both SQLite and PostgreSQL.
"""

from __future__ import annotations

from django.db import connection

from creativefilter.creatives.models import Creative
from creativefilter.spend.models import (
    Advertisement,
    BrandLine,
    MonthlySpend,
    SpendImport,
    SpendRow,
    SpendTotal,
)
from creativefilter.spend.totals import spend_totals

NEW_ADVERTISEMENTS = """
    INSERT INTO spend_advertisement (advertisement_id, segment, reviewed, stale)
    SELECT s.advertisement_id, COALESCE(g.merged_into_id, w.segment_id, -1),
        w.segment_id IS NOT NULL, FALSE
    FROM spend_staged_ad s
    LEFT JOIN creatives_waitinglabel w ON w.advertisement_id = s.advertisement_id
    LEFT JOIN creatives_segment g ON g.number = w.segment_id
    WHERE NOT EXISTS (
        SELECT 1 FROM spend_advertisement a WHERE a.advertisement_id = s.advertisement_id)
    ORDER BY s.id
"""
ADVERTISEMENT_KEYS = """
    UPDATE spend_staged_ad SET key = (
        SELECT a.id FROM spend_advertisement a
        WHERE a.advertisement_id = spend_staged_ad.advertisement_id)
"""
NEW_LINES = """
    INSERT INTO spend_line (advertiser, brand, media_type)
    SELECT s.advertiser, s.brand, s.media_type FROM spend_staged_line s
    WHERE NOT EXISTS (
        SELECT 1 FROM spend_line l WHERE l.advertiser = s.advertiser
        AND l.brand = s.brand AND l.media_type = s.media_type)
    ORDER BY s.id
"""
LINE_KEYS = """
    UPDATE spend_staged_line SET key = (
        SELECT l.id FROM spend_line l WHERE l.advertiser = spend_staged_line.advertiser
        AND l.brand = spend_staged_line.brand AND l.media_type = spend_staged_line.media_type)
"""
ROWS = """
    INSERT INTO spend_spendrow (spend_import_id, advertisement_id, line_id, month, amount)
    SELECT %s, a.key, l.key, r.month, r.amount
    FROM spend_staged_row r
    JOIN spend_staged_ad a ON a.id = r.ad
    JOIN spend_staged_line l ON l.id = r.line
    ORDER BY a.key
"""
# SQLite needs the WHERE to distinguish the ON of a join from ON CONFLICT.
MONTHS = """
    INSERT INTO spend_monthlyspend (advertisement_id, line_id, month, amount, placements)
    SELECT a.key, l.key, m.month, m.amount, m.placements
    FROM spend_staged_month m
    JOIN spend_staged_ad a ON a.id = m.ad
    JOIN spend_staged_line l ON l.id = m.line
    WHERE TRUE ORDER BY a.key
"""
MONTHS_ADDED = """
    ON CONFLICT (advertisement_id, line_id, month) DO UPDATE SET
        amount = spend_monthlyspend.amount + EXCLUDED.amount,
        placements = spend_monthlyspend.placements + EXCLUDED.placements
"""
STAGED_MONTHS_BY_SEGMENT = """
    SELECT m.month, l.key AS line_id, a.segment, a.reviewed, m.amount, m.placements
    FROM spend_staged_month m
    JOIN spend_staged_ad s ON s.id = m.ad
    JOIN spend_advertisement a ON a.id = s.key
    JOIN spend_staged_line l ON l.id = m.line
"""
BAD_ROWS = """
    INSERT INTO spend_badrow (spend_import_id, sheet, line, reason, cells)
    SELECT %s, sheet, line, reason, {cells} FROM spend_staged_bad ORDER BY id
"""
REPLACED_IMPORTS = """
    UPDATE spend_spendimport SET state = 'replaced' WHERE state = 'imported' AND id IN (
        SELECT r.spend_import_id FROM spend_spendrow r
        WHERE r.month IN (SELECT month FROM spend_staged_month))
"""
REPLACED = "DELETE FROM {} WHERE month IN (SELECT month FROM spend_staged_month)"
# Names that occurred only in replaced months, such as misspelt ones that the new file corrects.
UNUSED = (
    "DELETE FROM spend_advertisement WHERE NOT EXISTS (SELECT 1 FROM spend_monthlyspend m"
    " WHERE m.advertisement_id = spend_advertisement.id)",
    "DELETE FROM spend_line WHERE NOT EXISTS (SELECT 1 FROM spend_monthlyspend m"
    " WHERE m.line_id = spend_line.id)",
)


def insert(spend_import: SpendImport, *, adds: bool) -> None:
    """Insert the staged rows and add them to the sums.

    Args:
        spend_import: The import that the rows belong to.
        adds: Whether the months of the rows already have spend.
    """
    for statement in (NEW_ADVERTISEMENTS, ADVERTISEMENT_KEYS, NEW_LINES, LINE_KEYS):
        _execute(statement)
    _execute(ROWS, spend_import.pk)
    # Without existing months no conflict is possible; checking for one takes as long as writing.
    _execute(MONTHS + MONTHS_ADDED if adds else MONTHS)
    spend_totals.add(STAGED_MONTHS_BY_SEGMENT)
    if connection.vendor == "postgresql":
        # With the old statistics, PostgreSQL may plan the next queries for empty or small tables.
        _execute("ANALYZE spend_advertisement, spend_line, spend_monthlyspend, spend_spendtotal")


def insert_bad_rows(spend_import: SpendImport) -> None:
    """Replace the bad rows of an import by the staged ones."""
    spend_import.bad.all().delete()
    cells = "CAST(cells AS jsonb)" if connection.vendor == "postgresql" else "cells"
    _execute(BAD_ROWS.format(cells=cells), spend_import.pk)


def remove_months() -> None:
    """Delete stored spend of the months of the staged rows.

    Imports that lose rows get the state "replaced", and their files may be imported again.
    """
    _execute(REPLACED_IMPORTS)
    for model in (SpendRow, MonthlySpend, SpendTotal):
        _execute(REPLACED.format(model._meta.db_table))


def remove_unused() -> None:
    """Delete advertisements and brand lines that no longer have spend."""
    for statement in UNUSED:
        _execute(statement)


def analyze() -> None:
    """Update PostgreSQL's statistics after all rows are written and deleted.

    With outdated statistics, the statements that link creatives and count their segments can take
    minutes.
    """
    if connection.vendor == "postgresql":
        models = (Creative, Advertisement, BrandLine, MonthlySpend)
        _execute(f"ANALYZE {', '.join(model._meta.db_table for model in models)}")


def _execute(statement: str, *params: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
