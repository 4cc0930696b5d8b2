"""Streamed writing of CSV, CSV for Excel and XLSX. Text that looks like a formula stays text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice, repeat
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from creativefilter.sheets import limits
from creativefilter.sheets.escape import harmless, is_formula, printable
from creativefilter.site.errors import UserError

# Most rows that one sheet can have for spreadsheet programs, besides the heading.
SHEET_ROWS = limits.MAX_ROWS - 1
# Rows of one chunk of CSV.
LINES = 500
BOM = "\ufeff"


class Form(StrEnum):
    """Format of a table: ``EXCEL_CSV`` has a byte order mark, semicolons and decimal commas."""

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
    """Type of a column's values; in XLSX it decides width and number format of the cells.

    ``MONEY``: roubles (``Decimal``). ``COUNT``: ``int``. ``NUMBER``: ``float``. ``SHARE``: 0 to 1.
    ``MONTH``: ``date``. ``AS_IT_CAME``: text copied from a client's table; in CSV its numbers
    ("-5") get no apostrophe, which other text that looks like a formula gets.
    """

    TEXT = "text"
    AS_IT_CAME = "as it came"
    MONEY = "money"
    COUNT = "count"
    NUMBER = "number"
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
    """A table to write: the titles with the types of the columns, and the rows.

    A value of None is a blank cell.
    """

    columns: Sequence[tuple[str, ColumnType]]
    rows: Iterable[Sequence[Any]]


def csv_lines(sheet: Sheet, *, excel: bool) -> Iterator[str]:
    """Yield the heading and the rows as CSV, each with its line end.

    Args:
        sheet: the table.
        excel: write the form that Russian versions of Excel open: byte order mark, semicolons,
            decimal commas.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if excel else ",", lineterminator="\r\n")

    def line(cells: Iterable[str]) -> str:
        writer.writerow(cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    heading = line(harmless(title) for title, _column in sheet.columns)
    yield BOM + heading if excel else heading
    mark = "," if excel else "."
    own = [column is ColumnType.AS_IT_CAME for _title, column in sheet.columns]
    for row in sheet.rows:
        # A row copied from a client's table may have more cells than the heading.
        kinds = chain(own, repeat(True))
        yield line(_written(value, mark, one) for value, one in zip(row, kinds, strict=False))


def _written(value: Any, mark: str, as_it_came: bool) -> str:
    match value:
        case None:
            return ""
        case Decimal() | float():
            text = f"{value:.4f}".rstrip("0").rstrip(".")
            return text.replace(".", mark)
        case date():
            return f"{value:%Y-%m}"
        case str() if as_it_came and _is_number(value):
            return value
    return str(harmless(value))


def _is_number(text: str) -> bool:
    """Return whether the text has only digits, points, commas and white space after its sign.

    Such text is no formula, even if it begins with a sign: "-5" must not be escaped.
    """
    body = text[1:] if text[:1] in "+-" else text
    return bool(body) and all(sign.isdecimal() or sign.isspace() or sign in ".," for sign in body)


def csv_chunks(sheet: Sheet, *, excel: bool) -> Iterator[bytes]:
    """Yield the table as UTF-8 CSV in chunks of at most ``LINES`` rows."""
    lines = csv_lines(sheet, excel=excel)
    while some := list(islice(lines, LINES)):
        yield "".join(some).encode()


def write_xlsx(sheet: Sheet, target: IO[bytes]) -> int:
    """Write the table as a workbook, with as many sheets as needed.

    Each sheet has the heading. Memory does not grow with the number of rows.

    Returns:
        The number of rows without headings.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    rows = iter(sheet.rows)
    # Without rows there is one sheet, which has only the heading.
    count = _write_sheet(book, sheet, islice(rows, SHEET_ROWS))
    for row in rows:
        count += _write_sheet(book, sheet, chain([row], islice(rows, SHEET_ROWS - 1)))
    book.save(target)
    return count


def _write_sheet(book: Any, sheet: Sheet, rows: Iterable[Sequence[Any]]) -> int:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    page = book.create_sheet()
    page.freeze_panes = "A2"
    heading = []
    for place, (title, column) in enumerate(sheet.columns, 1):
        wide = column in (ColumnType.TEXT, ColumnType.AS_IT_CAME)
        page.column_dimensions[get_column_letter(place)].width = 28 if wide else 16
        cell = _cell(page, title)
        cell.font = Font(bold=True)
        heading.append(cell)
    page.append(heading)
    formats = [_NUMBER_FORMATS.get(column) for _title, column in sheet.columns]
    count = 0
    for row in rows:
        cells = []
        for value, number_format in zip(row, chain(formats, repeat(None)), strict=False):
            cell = _cell(page, value)
            if number_format and value is not None:
                cell.number_format = number_format
            cells.append(cell)
        page.append(cells)
        count += 1
    return count


def _cell(page: Any, value: Any) -> Any:
    """Return a cell. Text is typed as text, so that it is never run as a formula."""
    from openpyxl.cell import WriteOnlyCell

    if not isinstance(value, str):
        return WriteOnlyCell(page, value)
    text = printable(value)
    cell = WriteOnlyCell(page, text)
    cell.data_type = "s"
    if is_formula(text):
        # Excel stores text typed after an apostrophe like this, and keeps it text when edited.
        cell.quotePrefix = True
    return cell


def write(sheet: Sheet, path: Path) -> None:
    """Write the table as XLSX if the path ends in .xlsx, else as CSV (UTF-8).

    Raises:
        UserError: the file can't be written.
    """
    try:
        with path.open("wb") as file:
            if path.suffix.lower() == ".xlsx":
                write_xlsx(sheet, file)
            else:
                file.writelines(csv_chunks(sheet, excel=False))
    except OSError as error:
        raise UserError(
            _("%(path)s can't be written: %(why)s") % {"path": path, "why": error}
        ) from error
