"""Import of spend tables: read and stage without a lock, then merge in one transaction.

    with sheets.opened(path) as document:
        prepared = prepare(document)
    with transaction.atomic():
        merge(prepared, spend_import, mode=…, strict=…)

``prepare`` writes only temporary tables, which no other connection sees. To check a file, leave out
``merge``.
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

# Most bad rows that a report lists. The table of ``BadRow`` has all of them.
EXAMPLES = 20

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class MonthSum:
    """Spend of a month: its first day, number of placements and their sum in roubles."""

    month: date
    rows: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Report:
    """Content of a file, and the existing spend that importing it would affect.

    Attributes:
        container: Detected kind of file, such as "csv.gz".
        encoding: Detected encoding; "" for workbooks.
        delimiter: Detected delimiter; "" for workbooks.
        decimal_mark: Detected decimal mark.
        rows: Number of good rows.
        bad_rows: Number of bad rows.
        rounded: Number of amounts that were rounded to four decimal places.
        amount: Sum of the good rows, in roubles.
        advertisements: Number of different Advertisement IDs in good rows.
        known_creatives: How many of these have a creative that is not a demonstration.
        months: The sums of the good rows by month.
        existing: Stored spend of the same months, which is removed if they are replaced.
        known_import: Key of the import that ``known`` finds for the same table; None if it finds
            none.
        bad_examples: The first ``EXAMPLES`` bad rows.
        findings: What else the sender of the file should know.
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
        """Convert to JSON for ``SpendImport.report``, with amounts and dates as text."""
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
    """A file whose rows are staged in temporary tables of this connection."""

    digest: str
    header: list[str]
    report: Report


def known(digest: str) -> SpendImport | None:
    """Return the import that has written this table, unless rows of it were replaced since.

    Args:
        digest: ``Document.digest`` of the table.
    """
    return SpendImport.objects.filter(digest=digest, state=SpendImport.State.IMPORTED).first()


def prepare(document: Document, *, progress: Progress = lambda done: None) -> Prepared:
    """Read and stage an opened file.

    Args:
        document: The file.
        progress: Called after every chunk of rows with the share of the file read so far, 0 to 1.
            An exception that it raises ends the reading.

    Raises:
        SheetError: The file can't be read, can be read in several ways, lacks a column or has no
            rows.
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
    """Return why a file can't be imported with these options; None if it can.

    Args:
        prepared: The staged file.
        mode: A ``SpendImport.Mode``, or "" if nothing was chosen.
        strict: Whether a single bad row refuses the file.
    """
    report = prepared.report
    if report.bad_rows and (strict or not report.rows):
        code = "spend_bad_rows" if strict else "spend_no_good_rows"
        return SpendFileError(code, count=report.bad_rows)
    if report.existing and not mode:
        months = ", ".join(f"{each.month:%Y-%m}" for each in report.existing)
        return SpendFileError("spend_months_exist", months=months)
    return None


def merge(prepared: Prepared, spend_import: SpendImport, *, mode: str, strict: bool) -> Report:
    """Write the staged rows to the tables, within the caller's transaction.

    If ``known`` finds an import of the same table, no row is written, and ``spend_import`` is saved
    in the state "known". Its options are not checked then.

    Args:
        prepared: The staged file.
        spend_import: Its import, which is saved with the outcome.
        mode: Whether the months that have spend are added to or replaced, a ``SpendImport.Mode``;
            "" if nothing was chosen.
        strict: Whether a single bad row refuses the file.

    Returns:
        The report of ``prepared``, with existing spend as it is in this transaction.

    Raises:
        SpendFileError: ``refusal`` refuses the file. The caller has to roll back.
    """
    spend_totals.lock()
    before = known(prepared.digest)
    report = replace(
        prepared.report,
        existing=existing(prepared.report.months),
        known_import=before.pk if before else None,
    )
    prepared = replace(prepared, report=report)
    copy_report(spend_import, prepared)
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
    merging.analyze()
    creative_links.link(Creative.objects.all())
    segment_changes.refresh(Creative.objects.filter(spent__stale=True))


def copy_report(spend_import: SpendImport, prepared: Prepared) -> None:
    """Copy digest, header, report and sums of a staged file to its import, without saving it."""
    report = prepared.report
    spend_import.digest = prepared.digest
    spend_import.header = prepared.header
    spend_import.report = report.as_json()
    spend_import.rows, spend_import.bad_rows = report.rows, report.bad_rows
    spend_import.amount = report.amount
    spend_import.error_code, spend_import.error_params = "", {}


def existing(months: Sequence[MonthSum]) -> tuple[MonthSum, ...]:
    """Return the stored spend of these months, without months that have none."""
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
        # SQLite returns dates of temporary tables as text.
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
    """Import a file in this process, without a job.

    Args:
        path: The file.
        mode: Whether the months that have spend are added to or replaced, a ``SpendImport.Mode``;
            "" if nothing was chosen.
        strict: Whether a single bad row refuses the file.
        look: Called with the staged file before anything is written.
        progress: Called with the share of the file read so far, 0 to 1.

    Returns:
        The import with its outcome. If ``known`` finds an import of the same table, an unsaved one
        in the state "known"; ``look`` is not called then.

    Raises:
        CodedError: The file can't be read or imported. Nothing was written.
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
