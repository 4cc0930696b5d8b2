"""Tables on their way out: CSV and XLSX, streamed, and harmless in a spreadsheet program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import IO, Any

from django.utils.translation import gettext as _

from creativefilter.creatives.cells import harmless
from creativefilter.creatives.models import Prediction, Segment
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.creatives_of_figure import CreativesOfFigure, CreativeSpend
from creativefilter.spend.reports.filters import Filters

# Rows of one sheet that spreadsheet programs open, the heading left out.
SHEET_ROWS = 1_048_575
# Lines that go to the reader at once.
LINES = 500


class Form(StrEnum):
    """How a table leaves: ``EXCEL_CSV`` has a BOM, semicolons and decimal commas."""

    XLSX = "xlsx"
    CSV = "csv"
    EXCEL_CSV = "csv-excel"

    @property
    def suffix(self) -> str:
        return ".xlsx" if self is Form.XLSX else ".csv"

    @property
    def content_type(self) -> str:
        if self is Form.XLSX:
            return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return "text/csv; charset=utf-8"


class ColumnType(StrEnum):
    """What a column holds: ``str``, roubles (``Decimal``), ``int``, a share of 1, a month."""

    TEXT = "text"
    MONEY = "money"
    COUNT = "count"
    SHARE = "share"
    MONTH = "month"


_NUMBER_FORMATS = {
    ColumnType.MONEY: "#,##0.00",
    ColumnType.COUNT: "#,##0",
    ColumnType.SHARE: "0.0%",
    ColumnType.MONTH: "yyyy-mm",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: titles with what stands below them, then rows; None is a blank cell."""

    columns: Sequence[tuple[str, ColumnType]]
    rows: Iterable[Sequence[Any]]


def predicted(filters: Filters) -> Sheet:
    """What is known of every Advertisement ID that the filters let through. Rows are streamed."""
    columns = (
        (_("Advertisement ID"), ColumnType.TEXT),
        (_("Segment number"), ColumnType.COUNT),
        (_("Segment"), ColumnType.TEXT),
        (_("Probability"), ColumnType.SHARE),
        (_("Decision"), ColumnType.TEXT),
        (_("Reviewed"), ColumnType.TEXT),
        (_("Spend, RUB"), ColumnType.MONEY),
        (_("Placements"), ColumnType.COUNT),
        (_("Advertiser"), ColumnType.TEXT),
        (_("Brand"), ColumnType.TEXT),
        (_("Media type"), ColumnType.TEXT),
        (_("Creative"), ColumnType.TEXT),
    )
    return Sheet(columns, _predicted_rows(CreativesOfFigure(filters)))


def _predicted_rows(behind: CreativesOfFigure) -> Iterator[Sequence[Any]]:
    titles = {segment.number: segment.title for segment in Segment.objects.all()}
    for each in behind.iterator():
        yield (
            each.advertisement_id,
            each.segment if each.segment != NOT_CLASSIFIED else None,
            titles.get(each.segment, _("Not classified")),
            each.probability,
            decision_of(each),
            _("yes") if each.reviewed else _("no"),
            each.amount,
            each.placements,
            each.advertiser,
            each.brand,
            each.media_type,
            each.name if each.creative else _("no creative here"),
        )


def decision_of(each: CreativeSpend) -> str:
    """Who decided on the segment, or who has to."""
    if each.reviewed:
        return _("a person")
    if each.creative is None:
        return ""
    if each.decision is None:
        return _("no prediction yet")
    return str(Prediction.Decision(each.decision).label)


def csv_chunks(sheet: Sheet, *, excel: bool) -> Iterator[bytes]:
    """The table as UTF-8 CSV, some lines at a time; for Excel as Russian offices open it."""
    lines = _csv_lines(sheet, excel=excel)
    if excel:
        yield b"\xef\xbb\xbf"
    while some := list(islice(lines, LINES)):
        yield "".join(some).encode()


def _csv_lines(sheet: Sheet, *, excel: bool) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if excel else ",", lineterminator="\r\n")

    def line(cells: Iterable[str]) -> str:
        writer.writerow(cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield line(str(harmless(title)) for title, _kind in sheet.columns)
    mark = "," if excel else "."
    for row in sheet.rows:
        yield line(_written(value, mark) for value in row)


def _written(value: Any, mark: str) -> str:
    match value:
        case None:
            return ""
        case Decimal() | float():
            text = f"{value:.4f}".rstrip("0").rstrip(".")
            return text.replace(".", mark)
        case date():
            return f"{value:%Y-%m}"
    return str(harmless(value))


def write_xlsx(sheet: Sheet, target: IO[bytes]) -> int:
    """Writes the table as a workbook, with as many sheets as it needs. Returns how many rows.

    Memory does not grow with their number.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    rows = iter(sheet.rows)
    count = 0
    # A table without rows has its heading all the same.
    while (part := _write_sheet(book, sheet, islice(rows, SHEET_ROWS))) or not count:
        count += part
        if part < SHEET_ROWS:
            break
    book.save(target)
    return count


def _write_sheet(book: Any, sheet: Sheet, rows: Iterable[Sequence[Any]]) -> int:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    page = book.create_sheet()
    page.freeze_panes = "A2"
    heading = []
    for place, (title, kind) in enumerate(sheet.columns):
        page.column_dimensions[chr(ord("A") + place) if place < 26 else "Z"].width = (
            28 if kind is ColumnType.TEXT else 16
        )
        cell = WriteOnlyCell(page, harmless(title))
        cell.font = Font(bold=True)
        heading.append(cell)
    page.append(heading)
    formats = [_NUMBER_FORMATS.get(kind) for _title, kind in sheet.columns]
    count = 0
    for row in rows:
        cells = []
        for value, number_format in zip(row, formats, strict=True):
            cell = WriteOnlyCell(page, harmless(value))
            if number_format and value is not None:
                cell.number_format = number_format
            cells.append(cell)
        page.append(cells)
        count += 1
    return count
