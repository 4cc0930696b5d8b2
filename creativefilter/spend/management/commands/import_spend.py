"""Import a spend table, without web server or broker."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from creativefilter import sheets
from creativefilter.sheets.document import sign_of
from creativefilter.site.commands import BaseCommand, existing_file, output_file, progress_bar
from creativefilter.spend.fields import PLACES
from creativefilter.spend.imports import bad_rows, importer, staging
from creativefilter.spend.imports.importer import MonthSum, Prepared, Report
from creativefilter.spend.models import SpendImport
from creativefilter.ui.formats import format_number

Mode = SpendImport.Mode


class Command(BaseCommand):
    help = gettext_lazy(
        "Imports spend: .csv, .xlsx, .xls, .xlsb, .ods, also as .gz or in a .zip. Either all rows "
        "that can be used are imported or none."
    )
    imported = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=existing_file)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help=_("check the file and report only, import nothing"),
        )
        months = parser.add_mutually_exclusive_group()
        months.add_argument(
            "--replace-months",
            action="store_const",
            dest="mode",
            const=Mode.REPLACE,
            help=_("months of the file replace the stored spend of these months"),
        )
        months.add_argument(
            "--add",
            action="store_const",
            dest="mode",
            const=Mode.ADD,
            help=_("months of the file are added to the stored spend of these months"),
        )
        parser.add_argument(
            "--strict", action="store_true", help=_("import nothing if a row can't be used")
        )
        parser.add_argument(
            "--bad-rows",
            type=output_file(".csv"),
            dest="bad",
            metavar="CSV",
            help=_("write the rows that can't be used to this file"),
        )

    def handle(
        self, *args: Any, file: Path, dry_run: bool, mode: str | None, strict: bool,
        bad: Path | None, **options: Any,
    ) -> None:  # fmt: skip
        def look(prepared: Prepared) -> None:
            self._report(prepared.report)
            self._disappearing(prepared.report, mode)
            if bad:
                write_bad_rows(prepared, bad)
            if prepared.report.bad_rows:
                self.part_failed(_("Not every row of %s can be used.") % file)

        with progress_bar(100, unit="%", leave=False) as bar:

            def progress(share: float) -> None:
                bar.update(round(100 * share) - bar.n)

            if dry_run:
                with sheets.opened(file) as document:
                    look(importer.prepare(document, progress=progress))
                self.stdout.write(_("Nothing was imported."))
                return
            done = importer.import_file(
                file, mode=mode or "", strict=strict, look=look, progress=progress
            )
        self.imported = True
        if done.state == SpendImport.State.KNOWN:
            self.stdout.write(_("This table was imported before. Nothing was changed."))
        else:
            self.stdout.write(_("Imported."))

    def done_so_far(self) -> str:
        return _("Imported.") if self.imported else _("Nothing was imported.")

    def _report(self, report: Report) -> None:
        """Print the report of the file, one fact a line."""
        lines = [
            (_("format"), f"{report.container} {report.encoding}".strip()),
            (_("delimiter"), sign_of(report.delimiter)),
            (_("decimal mark"), f"«{report.decimal_mark}»"),
            (_("rows"), format_number(report.rows)),
            (_("bad rows"), format_number(report.bad_rows)),
            (_("sum, RUB"), format_number(report.amount, PLACES)),
            (_("advertisements"), format_number(report.advertisements)),
            (_("of them with a creative here"), format_number(report.known_creatives)),
            (_("months"), period(report.months)),
            (_("months with stored spend"), period(report.existing)),
        ]
        if report.rounded:
            lines.append(
                (_("amounts rounded to four decimal places"), format_number(report.rounded))
            )
        for name, value in lines:
            self.stdout.write(f"{name + ':':34} {value}")
        for finding in report.findings:
            self.stdout.write(str(finding))
        for bad in report.bad_examples:
            place = _("line %s") % bad.place
            self.stdout.write(f"  {place}: {bad.reason.label}: {' | '.join(bad.cells)[:120]}")

    def _disappearing(self, report: Report, mode: str | None) -> None:
        if mode == Mode.REPLACE and report.existing:
            self.stdout.write(_("Replacing removes:"))
            for month in report.existing:
                rows = ngettext("%s row", "%s rows", month.rows) % format_number(month.rows)
                self.stdout.write(
                    f"  {month.month:%Y-%m}  {rows}  {format_number(month.amount, PLACES)}"
                )


def write_bad_rows(prepared: Prepared, path: Path) -> None:
    """Write the staged bad rows to a CSV file, for people to correct."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(bad_rows.as_csv(prepared.header, staging.bad_rows()))


def period(months: tuple[MonthSum, ...]) -> str:
    """Format months: their number, the first and the last one; a dash if there are none."""
    if not months:
        return "—"
    return f"{len(months)} ({months[0].month:%Y-%m} – {months[-1].month:%Y-%m})"
