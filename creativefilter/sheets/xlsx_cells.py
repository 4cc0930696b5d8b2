"""Reading of a row's XML into cells, by a regular expression or by a parser (``xlsx_places``)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from xml.sax.saxutils import unescape

from creativefilter.sheets import limits
from creativefilter.sheets.errors import SheetError
from creativefilter.sheets.types import Cell
from creativefilter.sheets.xlsx_package import Workbook, character, unescaped
from creativefilter.sheets.xlsx_places import cell_pattern, columns_in_order, parsed

_ENTITY = re.compile(r"&#(?:([0-9]{1,7})|x([0-9A-Fa-f]{1,6}));")
_ENTITIES = {"&quot;": '"', "&apos;": "'"}
# Spreadsheets keep 15 digits; larger whole numbers are not exact.
EXACT = 10**15
_DIGITS = 15
_MAX_DAY = 2_958_465.999988  # 9999-12-31


class CellReader:
    """Turns rows of XML into cells: at most ``width`` columns, "" for a blank cell."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.width = limits.MAX_COLUMNS
        # Number of formulas whose value was not saved.
        self.unsaved = 0
        self._pattern: re.Pattern[str] | None = None
        self._prefix = ""
        self._formula = "<f"

    def cells(self, row: bytes, prefix: str) -> list[Cell]:
        """Read the cells of a row.

        Args:
            row: XML of the row.
            prefix: namespace prefix of its elements, "" or "x:".

        Raises:
            SheetError: the row is damaged.
        """
        if self._pattern is None or prefix != self._prefix:
            self._pattern, self._prefix = re.compile(cell_pattern(prefix)), prefix
            self._formula = f"<{prefix}f"
        try:
            text = row.decode()
        except UnicodeDecodeError as error:
            raise SheetError("table_damaged") from error
        body = text[text.find(">") + 1 : text.rfind("<")]
        if not body:
            return []
        parts = self._pattern.split(body)
        # Text between the matches: the pattern does not fit this row.
        if any(parts[::7]):
            return self._parsed_cells(row, prefix)
        if self._formula in body:
            pairs = zip(parts[4::7], parts[5::7], strict=True)
            self.unsaved += sum(bool(formula and not value) for formula, value in pairs)
        return self._filled(parts)

    def _filled(self, parts: list[str]) -> list[Cell]:
        """Return the cells of a row that was split by ``cell_pattern``: 7 parts for each cell."""
        columns = columns_in_order(tuple(parts[1::7]))
        width = min(self.width, columns[-1] + 1)
        cells: list[Cell] = [""] * width
        strings, cache = self.book.strings, self.book.strings.cache
        for column, style, kind, value, inline in zip(
            columns, parts[2::7], parts[3::7], parts[5::7], parts[6::7], strict=True
        ):
            if column >= width:
                break
            if kind == "s" and value:
                text = cache.get(value)
                cells[column] = strings[value] if text is None else text
            elif not value:
                cells[column] = _unescaped_xml(inline) if inline else ""
            elif style is None and kind is None and len(value) <= _DIGITS and value.isdecimal():
                cells[column] = value
            else:
                cells[column] = self._value(kind or "n", style, value)
        return cells

    def _parsed_cells(self, row: bytes, prefix: str) -> list[Cell]:
        located = parsed(row, prefix)
        cells: list[Cell] = [""] * (located[-1].column + 1 if located else 0)
        for cell in located:
            self.unsaved += cell.formula is not None and not cell.text
            if cell.kind == "inlineStr":
                cells[cell.column] = unescaped(cell.text)
            elif cell.text:
                cells[cell.column] = self._typed(cell.kind, cell.style, cell.text)
        return cells[: self.width]

    def _value(self, kind: str, style: str | None, text: str) -> Cell:
        """Return a value that is not a shared string, from its XML text."""
        if kind == "n":
            return self._number(text, style)
        return self._typed(kind, style, _unescaped_xml(text) if "&" in text else text)

    def _typed(self, kind: str, style: str | None, text: str) -> Cell:
        if kind == "s":
            return self.book.strings[text]
        if kind == "n":
            return self._number(text, style)
        if kind == "b":
            return "TRUE" if text.strip() in ("1", "true") else "FALSE"
        if kind == "d":
            return text.removesuffix("T00:00:00").replace("T", " ")
        return unescaped(text)

    def _number(self, text: str, style: str | None) -> Cell:
        if style in self.book.date_styles:
            return date_text(text, self.book.epoch_1904)
        return number_cell(text)


def number_cell(text: str) -> Cell:
    """Return a number of a workbook: text for whole numbers of at most 15 digits, else float.

    Text that is not a number is returned unchanged.
    """
    if len(text) <= _DIGITS and text.isdecimal():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return whole(number)


def whole(number: float) -> Cell:
    """Return a whole number as text if all its digits are exact, else the number."""
    return str(int(number)) if abs(number) < EXACT and number == int(number) else number


@lru_cache(maxsize=4096)
def date_text(text: str, epoch_1904: bool) -> str:
    """Format a spreadsheet's day number: "2024-01-31", "2024-01-31 12:00:00" or "12:00:00".

    Text that is not a day number is returned unchanged.
    """
    try:
        number = float(text)
    except ValueError:
        return text
    # Excel counts a 29th of February 1900, which did not exist.
    shift = 1462 if epoch_1904 else int(number < 60)
    if not 0 <= number < _MAX_DAY - shift:
        return text
    number += shift
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(number * 86400))  # noqa: DTZ001
    if float(text) < 1:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%Y-%m-%d}" if number == int(number) else f"{moment:%Y-%m-%d %H:%M:%S}"


def _unescaped_xml(text: str) -> str:
    """Replace entities and escapes in a text of the XML. Raises ``SheetError``."""
    if "&" in text:
        text = _ENTITY.sub(_character, text)
        text = unescape(text, _ENTITIES)
    return unescaped(text)


def _character(match: re.Match[str]) -> str:
    code = int(match[1]) if match[1] else int(match[2], 16)
    if not 0 < code < 0x110000:
        raise SheetError("table_damaged")
    return character(code)
