"""From a file to rows of spend: read and staged without a lock, merged in one transaction.

    with sheets.opened(path) as document:
        prepared = prepare(document)
    with transaction.atomic():
        merge(prepared, spend_import, mode=…)

Between the two nothing is written that anybody else sees. A dry run is ``prepare`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from creativefilter import sheets
from creativefilter.creatives.models import Creative
from creativefilter.sheets import Document, Finding, SheetError
from creativefilter.spend.fields import roubles
from creativefilter.spend.imports import merging, staging
from creativefilter.spend.imports.errors import SpendFileError
from creativefilter.spend.imports.rows import Bad, RowReader
from creativefilter.spend.models import SpendImport, SpendTotal
from creativefilter.spend.totals import creative_links, segment_changes, spend_totals

# Bad rows that a report shows; all of them are in ``BadRow``.
EXAMPLES = 20

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class MonthSum:
    """What a month holds: its first day, its placements, their sum in roubles."""

    month: date
    rows: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Report:
    """What a file holds, and what importing it meets.

    ``container``, ``encoding``, ``delimiter`` ("" for XLSX) and ``decimal_mark`` were detected;
    ``rounded`` rows had more than four decimal places. ``existing``: what is there already for the
    months of the file, and disappears if they are replaced. ``known_import``: the import that
    brought the same table before. ``findings``: what else its sender should know.
    """

    container: str
    encoding: str
    delimiter: str
    decimal_mark: str
    rows: int
    bad_rows: int
    rounded: int
    amount: Decimal
    advertisements: int
    known_creatives: int
    months: tuple[MonthSum, ...]
    existing: tuple[MonthSum, ...]
    known_import: int | None
    bad_examples: tuple[Bad, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """For ``SpendImport.report``: amounts and dates as text."""
        return {
            **asdict(self),
            "amount": str(self.amount),
            "months": [_as_json(month) for month in self.months],
            "existing": [_as_json(month) for month in self.existing],
            "bad_examples": [
                {**asdict(bad), "reason": bad.reason.value} for bad in self.bad_examples
            ],
            "findings": [finding.as_json() for finding in self.findings],
        }


def _as_json(month: MonthSum) -> dict[str, Any]:
    return {"month": month.month.isoformat(), "rows": month.rows, "amount": str(month.amount)}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is staged in this connection."""

    digest: str
    header: list[str]
    report: Report


def known(digest: str) -> SpendImport | None:
    """The import that brought this table and still holds."""
    return SpendImport.objects.filter(digest=digest, state=SpendImport.State.IMPORTED).first()


def prepare(document: Document, *, progress: Progress = lambda done: None) -> Prepared:
    """Read and stage an opened file.

    Args:
        document: The file.
        progress: Called after every chunk of rows with the share that is read, 0 to 1. An
            exception that it raises ends the reading.

    Raises:
        SheetError: The file can't be read, or not in one way only.
    """
    reading = document.only()
    reader = RowReader(reading)
    staging.create()
    examples: list[Bad] = []
    rows = bad_rows = 0
    for chunk in reader.chunks():
        staging.add(chunk.good, chunk.bad, bad_rows)
        rows += len(chunk.good)
        bad_rows += len(chunk.bad)
        examples += chunk.bad[: EXAMPLES - len(examples)]
        progress(chunk.done)
    if rows + bad_rows == 0:
        raise SheetError("table_no_rows")
    staging.finish(reader.advertisements, reader.lines)
    months = _staged_months()
    before = known(document.digest)
    report = Report(
        container=document.container,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
        decimal_mark=reader.amounts.marks.decimal,
        rows=rows,
        bad_rows=bad_rows,
        rounded=reader.amounts.rounded,
        amount=sum((month.amount for month in months), Decimal(0)),
        advertisements=len(reader.advertisements),
        known_creatives=_known_creatives(),
        months=months,
        existing=existing(months),
        known_import=before.pk if before else None,
        bad_examples=tuple(examples),
        findings=(*reading.findings(), *reader.findings()),
    )
    return Prepared(document.digest, list(reading.tables[0].heading.titles), report)


def refusal(prepared: Prepared, *, mode: str, strict: bool) -> SpendFileError | None:
    """Why this file is not imported in this way; None if it can be."""
    report = prepared.report
    if report.bad_rows and (strict or not report.rows):
        code = "spend_bad_rows" if strict else "spend_no_good_rows"
        return SpendFileError(code, count=report.bad_rows)
    if report.existing and not mode:
        months = ", ".join(f"{each.month:%Y-%m}" for each in report.existing)
        return SpendFileError("spend_months_exist", months=months)
    return None


def merge(prepared: Prepared, spend_import: SpendImport, *, mode: str, strict: bool) -> Report:
    """Makes the staged rows part of the tables, within the caller's transaction.

    ``mode`` (``SpendImport.Mode`` or "") says what becomes of months that are there. A table that
    was imported before changes nothing. ``spend_import`` is saved with what became of it. Raises
    ``SpendFileError`` as ``refusal`` says; the caller then rolls back.
    """
    spend_totals.lock()
    before = known(prepared.digest)
    report = replace(
        prepared.report,
        existing=existing(prepared.report.months),
        known_import=before.pk if before else None,
    )
    prepared = replace(prepared, report=report)
    note(spend_import, prepared)
    spend_import.mode, spend_import.strict = mode, strict
    spend_import.state = SpendImport.State.KNOWN
    if before is None:
        if error := refusal(prepared, mode=mode, strict=strict):
            raise error
        spend_import.save()
        replaces = bool(report.existing) and mode == SpendImport.Mode.REPLACE
        _write(spend_import, replaces=replaces, adds=bool(report.existing) and not replaces)
        spend_import.state = SpendImport.State.IMPORTED
        spend_import.imported_at = timezone.now()
    spend_import.save()
    staging.drop()
    return report


def _write(spend_import: SpendImport, *, replaces: bool, adds: bool) -> None:
    if replaces:
        merging.remove_months()
    merging.insert(spend_import, adds=adds)
    merging.insert_bad_rows(spend_import)
    if replaces:
        merging.remove_unused()
    creative_links.link(Creative.objects.all())
    segment_changes.refresh(Creative.objects.filter(spent__stale=True))


def note(spend_import: SpendImport, prepared: Prepared) -> None:
    """Writes on the row, without saving it, what was found in its file."""
    report = prepared.report
    spend_import.digest = prepared.digest
    spend_import.header = prepared.header
    spend_import.report = report.as_json()
    spend_import.rows, spend_import.bad_rows = report.rows, report.bad_rows
    spend_import.amount = report.amount
    spend_import.error_code, spend_import.error_params = "", {}


def existing(months: Sequence[MonthSum]) -> tuple[MonthSum, ...]:
    """What is there already for these months; those without anything are left out."""
    found = (
        SpendTotal.objects.filter(month__in=[each.month for each in months])
        .values_list("month")
        .annotate(Sum("placements"), Sum("amount"))
        .order_by("month")
    )
    return tuple(MonthSum(*values) for values in found)


def _staged_months() -> tuple[MonthSum, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT month, SUM(placements), SUM(amount) FROM spend_staged_month"
            " GROUP BY month ORDER BY month"
        )
        # SQLite gives dates of its temporary tables as text.
        return tuple(
            MonthSum(date.fromisoformat(str(month)), int(rows), roubles(int(units)))
            for month, rows, units in cursor.fetchall()
        )


def _known_creatives() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM spend_staged_ad s JOIN creatives_creative c"
            " ON c.advertisement_id = s.advertisement_id AND NOT c.is_demo"
        )
        [count] = cursor.fetchone()
    return int(count)


def import_file(
    path: Path,
    *,
    mode: str = "",
    strict: bool = False,
    look: Callable[[Prepared], None] = lambda prepared: None,
    progress: Progress = lambda done: None,
) -> SpendImport:
    """Imports a file in this process, without a job. Returns the row that says what became of it.

    ``look`` is shown what was read before anything is written. A table that was imported before is
    not read again. Raises ``CodedError``; nothing was imported then.
    """
    with sheets.opened(path) as document:
        if before := known(document.digest):
            return SpendImport(name=path.name, state=SpendImport.State.KNOWN, report=before.report)
        prepared = prepare(document, progress=progress)
    look(prepared)
    if error := refusal(prepared, mode=mode, strict=strict):
        raise error
    spend_import = SpendImport(name=path.name)
    with transaction.atomic():
        merge(prepared, spend_import, mode=mode, strict=strict)
    return spend_import
