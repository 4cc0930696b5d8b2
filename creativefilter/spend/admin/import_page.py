"""Context of an import's page: the report on its file, and the offer to import it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from creativefilter.jobs.models import Job
from creativefilter.sheets import Finding
from creativefilter.sheets.document import name_of_encoding
from creativefilter.sheets.fields import field_of
from creativefilter.site.codes import sentence
from creativefilter.spend.imports import importer
from creativefilter.spend.imports.importer import EXAMPLES, MonthSum
from creativefilter.spend.imports.rows import COLUMNS
from creativefilter.spend.models import SpendImport
from creativefilter.ui.formats import format_number
from creativefilter.ui.upload_list import Status

State = SpendImport.State
# CSS class of states that have a colour; other states are shown as "idle".
LOOKS = {State.IMPORTED: "done", State.KNOWN: "done", State.FAILED: "failed"}


def is_busy(spend_import: SpendImport) -> bool:
    """Whether the import has a job that has not ended."""
    return spend_import.job is not None and not spend_import.job.is_final


def status_of(spend_import: SpendImport) -> Status:
    """Return the state of the import's job while it has one, else the state of the import."""
    job = spend_import.job
    busy = job is not None and not job.is_final
    return Status(
        id=spend_import.pk,
        state="busy" if busy else LOOKS.get(State(spend_import.state), "idle"),
        title=_at_work(job) if job and busy else str(spend_import.get_state_display()),
        percent=job.progress if job and busy else 100,
        final=not busy,
        message="" if busy else error_of(spend_import),
    )


def _at_work(job: Job) -> str:
    if job.state == Job.State.QUEUED:
        return str(job.get_state_display())
    return _("Being checked") if job.params.get("dry_run") else _("Being imported")


def error_of(spend_import: SpendImport) -> str:
    """Return why the import failed; "" if it did not."""
    if spend_import.state != State.FAILED:
        return ""
    return sentence(spend_import.error_code, spend_import.error_params)


def period_of(report: dict[str, Any]) -> str:
    """Return the first and the last month of a report as text."""
    months = [date_format(each.month, "m.Y") for each in months_of(report)]
    return "\N{NO-BREAK SPACE}– ".join(dict.fromkeys([months[0], months[-1]])) if months else "—"


def months_of(report: dict[str, Any]) -> tuple[MonthSum, ...]:
    """Return the months of a report that ``importer.Report.as_json`` made."""
    return tuple(
        MonthSum(date.fromisoformat(each["month"]), each["rows"], Decimal(each["amount"]))
        for each in report.get("months", ())
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """Spend by month as a page shows it, with the sums of all months."""

    months: Sequence[tuple[str, str, str]]
    rows: str
    amount: str
    # The form sends this value back, so that a change since the page was shown is noticed.
    seen: str

    @classmethod
    def of(cls, months: Iterable[MonthSum]) -> Sums:
        """Format the spend of these months, and sum it up."""
        months = tuple(months)
        rows = sum(each.rows for each in months)
        amount = sum((each.amount for each in months), Decimal(0))
        return cls(
            months=[
                (
                    date_format(each.month, "YEAR_MONTH_FORMAT"),
                    format_number(each.rows),
                    format_number(each.amount, 2),
                )
                for each in months
            ],
            rows=format_number(rows),
            amount=format_number(amount, 2),
            seen=f"{rows} {amount}" if months else "",
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """How a file can be imported.

    Attributes:
        known: An import of the same table; importing it again would change nothing.
        existing: Stored spend of the file's months.
        bad_rows: Number of rows that would be left out.
    """

    known: SpendImport | None
    existing: Sums
    bad_rows: int

    @property
    def left_out(self) -> str:
        return format_number(self.bad_rows)


def offer_of(spend_import: SpendImport) -> Offer | None:
    """Return how a file can be imported.

    Stored spend of its months is queried again, since it may have changed since the check.

    Returns:
        None if the file has no good rows, was imported, is not checked yet or has a running job.
    """
    report = spend_import.report
    ended = (State.IMPORTED, State.REPLACED)
    if is_busy(spend_import) or spend_import.state in ended or not report.get("rows"):
        return None
    return Offer(
        importer.known(spend_import.digest),
        Sums.of(importer.existing(months_of(report))),
        report["bad_rows"],
    )


def page_of(spend_import: SpendImport) -> dict[str, Any]:
    """Return the context of an import's page."""
    report = spend_import.report
    offer = offer_of(spend_import)
    bad = list(spend_import.bad.order_by("pk")[:EXAMPLES])
    width = len(spend_import.header)
    return {
        "spend_import": spend_import,
        "facts": facts_of(spend_import),
        "findings": [str(Finding.of(each)) for each in report.get("findings", ())],
        "sums": Sums.of(months_of(report)),
        "nothing_usable": bool(report) and not report["rows"],
        "offer": offer,
        "bad": [(row, row.cells + [""] * (width - len(row.cells))) for row in bad],
        "bad_count": format_number(report.get("bad_rows", 0)),
        "bad_more": report.get("bad_rows", 0) > len(bad),
        # A file whose check did not finish or is out of date can be checked again.
        "may_check": not is_busy(spend_import) and spend_import.state in (
            State.UPLOADED, State.CHECKED, State.FAILED, State.CANCELLED
        ),
    }  # fmt: skip


def facts_of(spend_import: SpendImport) -> list[tuple[str, str]]:
    """Return title and text of each fact of the report: detected format, and content."""
    report = spend_import.report
    if not report:
        return []
    delimiters = {",": _("comma"), ";": _("semicolon"), "\t": _("tab"), "|": _("vertical bar")}
    marks = {",": _("comma"), ".": _("point")}
    facts = [(_("Format"), report["container"])]
    if report["delimiter"]:
        facts += [
            (_("Encoding"), name_of_encoding(report["encoding"])),
            (_("Columns are separated by"), delimiters[report["delimiter"]]),
        ]
    facts += [
        (_("Decimal mark"), marks[report["decimal_mark"]]),
        (_("Columns"), ", ".join(spend_import.header)),
    ]
    if unused := _unused(spend_import.header):
        facts.append((_("Columns that are not needed"), ", ".join(unused)))
    facts += [
        (_("Rows"), format_number(report["rows"])),
        (_("Bad rows"), format_number(report["bad_rows"])),
        (_("Sum, RUB"), format_number(Decimal(report["amount"]), 2)),
        (_("Months"), period_of(report)),
        (_("Advertisements"), format_number(report["advertisements"])),
        (_("of them with a creative here"), format_number(report["known_creatives"])),
    ]
    if report["rounded"]:
        facts.append(
            (_("Amounts rounded to four decimal places"), format_number(report["rounded"]))
        )
    return facts


def _unused(header: Sequence[str]) -> list[str]:
    return [title for title in header if title and field_of(title) not in COLUMNS]
