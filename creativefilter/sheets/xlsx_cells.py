"""Rows of a worksheet's XML as cells.

A row as every spreadsheet program writes it is read by one pattern, any other by the parser
(``xlsx_places``), with the same outcome: seven million cells take seconds that way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from xml.sax.saxutils import unescape

from creativefilter.sheets import limits
from creativefilter.sheets.errors import SheetError
from creativefilter.sheets.types import Cell
from creativefilter.sheets.xlsx_package import Workbook, unescaped
from creativefilter.sheets.xlsx_places import locate, number_of

_ENTITY = re.compile(r"&#(?:([0-9]{1,7})|x([0-9A-Fa-f]{1,6}));")
_ENTITIES = {"&quot;": '"', "&apos;": "'"}
# A whole number of more digits is not exact in a spreadsheet.
EXACT = 10**15
_DIGITS = 15
_MAX_DAY = 2_958_465.999988  # 9999-12-31


def _cell_pattern(prefix: str) -> re.Pattern[str]:
    """A cell as spreadsheet programs write it: column, style, type, value or text."""
    p = re.escape(prefix)
    return re.compile(
        rf'<{p}c r="([A-Z]{{1,3}})[0-9]{{1,7}}"(?: s="([0-9]+)")?(?: t="([a-zA-Z]+)")?'
        rf"(?:/>|>(?:<{p}f(?: [^<>]*)?(?:/>|>[^<>]*</{p}f>))?"
        rf"(?:<{p}v>([^<>]*)</{p}v>|"
        rf'<{p}is><{p}t(?: xml:space="preserve")?>([^<>]*)</{p}t></{p}is>)?</{p}c>)'
    )


class CellReader:
    """Turns rows into cells: the columns up to ``width``, blanks as ""."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.width = limits.MAX_COLUMNS
        # Formulas whose value was not saved.
        self.unsaved = 0
        self._pattern: re.Pattern[str] | None = None
        self._prefix = ""
        self._formula = "<f"

    def cells(self, row: bytes, prefix: str) -> list[Cell]:
        if self._pattern is None or prefix != self._prefix:
            self._pattern, self._prefix = _cell_pattern(prefix), prefix
            self._formula = f"<{prefix}f"
        try:
            text = row.decode()
        except UnicodeDecodeError as error:
            raise SheetError("table_damaged") from error
        body = text[text.find(">") + 1 : text.rfind("<")]
        if not body:
            return []
        parts = self._pattern.split(body)
        # Between the cells of an ordinary row stands nothing.
        if any(parts[::6]):
            return self._slowly(row, prefix)
        if self._formula in body:
            self.unsaved += len(re.findall(rf"(?:</{prefix}f>|/>)</{prefix}c>", body))
        return self._filled(parts)

    def _filled(self, parts: list[str]) -> list[Cell]:
        """The cells that the pattern has cut a row into: column, style, kind, value, text."""
        columns = _columns(tuple(parts[1::6]))
        width = min(self.width, columns[-1] + 1)
        cells: list[Cell] = [""] * width
        strings, known = self.book.strings, self.book.strings.known
        for column, style, kind, value, inline in zip(
            columns, parts[2::6], parts[3::6], parts[4::6], parts[5::6], strict=True
        ):
            if column >= width:
                break
            if kind == "s":
                text = known.get(value)
                cells[column] = strings[value] if text is None else text
            elif not value:
                cells[column] = _plain(inline) if inline else ""
            elif style is None and kind is None and len(value) <= _DIGITS and value.isdecimal():
                cells[column] = value
            else:
                cells[column] = self._value(kind or "n", style, value)
        return cells

    def _slowly(self, row: bytes, prefix: str) -> list[Cell]:
        located = locate(row, prefix)
        cells: list[Cell] = [""] * (located[-1].column + 1 if located else 0)
        for cell in located:
            self.unsaved += cell.formula is not None and not cell.text
            if cell.kind == "inlineStr":
                cells[cell.column] = unescaped(cell.text)
            elif cell.text:
                cells[cell.column] = self._typed(cell.kind, cell.style, cell.text)
        return cells[: self.width]

    def _value(self, kind: str, style: str | None, text: str) -> Cell:
        """A value of any kind but a common text, as it is written in the XML."""
        if kind == "n":
            return self._number(text, style)
        return self._typed(kind, style, _plain(text) if "&" in text else text)

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
    """A number of a workbook: whole ones as their digits, of which a spreadsheet keeps 15."""
    if len(text) <= _DIGITS and text.isdecimal():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return whole(number)


def whole(number: float) -> Cell:
    """A whole number as text, where all its digits are there; else the number."""
    return str(int(number)) if abs(number) < EXACT and number == int(number) else number


@lru_cache(maxsize=4096)
def date_text(text: str, epoch_1904: bool) -> str:
    """A day as a spreadsheet counts it: "2024-01-31", "2024-01-31 12:00:00" or "12:00:00"."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not 0 <= number < _MAX_DAY:
        return text
    if epoch_1904:
        number += 1462
    elif number < 60:
        number += 1  # Excel believes in the 29th of February 1900.
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(number * 86400))  # noqa: DTZ001
    if float(text) < 1:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%Y-%m-%d}" if number == int(number) else f"{moment:%Y-%m-%d %H:%M:%S}"


def _plain(text: str) -> str:
    """A text of the XML without its escapes. Raises ``SheetError``."""
    if "&" in text:
        text = _ENTITY.sub(_character, text)
        text = unescape(text, _ENTITIES)
    return unescaped(text)


def _character(match: re.Match[str]) -> str:
    code = int(match[1]) if match[1] else int(match[2], 16)
    if not 0 < code < 0x110000:
        raise SheetError("table_damaged")
    return chr(code)


@lru_cache(maxsize=1024)
def _columns(letters: Sequence[str]) -> tuple[int, ...]:
    columns = tuple(map(number_of, letters))
    if any(before >= column for before, column in pairwise(columns)):
        raise SheetError("table_damaged")
    return columns
