"""Positions of the cells in a row's XML, and conversion of column names.

A row in the form that all spreadsheet programs write is read by a regular expression, which takes
seconds for seven million cells. Any other row is read by an XML parser, with the same result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from creativefilter.sheets import limits
from creativefilter.sheets.errors import SheetError
from creativefilter.sheets.xlsx_package import Parser

_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_RANGE_OF_FORMULA = re.compile(rb"\sref=\"([^\"]*)\"")


def cell_pattern(prefix: str) -> str:
    """Return a regular expression for a cell as spreadsheet programs write it.

    Groups: column, style, type, formula (the element), value, text within the cell.
    """
    p = re.escape(prefix)
    return (
        rf'<{p}c r="([A-Z]{{1,3}})[0-9]{{1,7}}"(?: s="([0-9]+)")?(?: t="([a-zA-Z]+)")?'
        rf"(?:/>|>(?:(<{p}f(?: [^<>]*)?(?:/>|>[^<>]*</{p}f>))(?:<{p}v ?/>)?)?"
        rf"(?:<{p}v>([^<>]*)</{p}v>|"
        rf'<{p}is><{p}t(?: xml:space="preserve")?>([^<>]*)</{p}t></{p}is>)?</{p}c>)'
    )


@dataclass(slots=True)
class Located:
    """A cell, whose XML is ``row[start:end]``.

    ``column`` is an index from 0. ``formula`` is the range that the cell's formula fills, "" for
    this cell alone, None for a cell without a formula. ``filled``: the cell has a formula or a
    value.
    """

    column: int
    start: int
    style: str
    end: int = 0
    formula: str | None = None
    filled: bool = False


@dataclass(slots=True)
class Parsed(Located):
    """A cell with its type and its text, as they are in the XML."""

    kind: str = "n"
    text: str = ""


class _RowParser(Parser):
    """Finds the cells of one row."""

    def __init__(self, row: bytes, prefix: str) -> None:
        super().__init__()
        self.row, self.prefix = row, prefix
        self.cells: list[Parsed] = []
        self._cell: Parsed | None = None
        self._texts: list[str] = []
        self._phonetic = False
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parse(row, last=True)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        cell = self._cell
        if cell is None:
            if local == "c":
                self._start_cell(attributes)
        elif local in ("v", "t"):
            cell.filled = True
            if not self._phonetic:
                self.parser.CharacterDataHandler = self._texts.append
        elif local == "f":
            cell.filled = True
            cell.formula = attributes.get("ref", "")
        elif local == "rPh":
            self._phonetic = True

    def _start_cell(self, attributes: dict[str, str]) -> None:
        before = self.cells[-1].column if self.cells else -1
        column = column_of(attributes["r"]) if "r" in attributes else before + 1
        if column <= before:
            self.refuse()
        start = self.parser.CurrentByteIndex
        self._cell = Parsed(column, start, attributes.get("s", ""), kind=attributes.get("t", "n"))
        self.cells.append(self._cell)

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        cell = self._cell
        if cell is None:
            return
        if local in ("v", "t"):
            self.parser.CharacterDataHandler = None
        elif local == "rPh":
            self._phonetic = False
        elif local == "c":
            cell.text = "".join(self._texts)
            self._texts.clear()
            at = self.parser.CurrentByteIndex
            # For "<c …/>" the parser reports the position after the element, else that of "</c>".
            closed = self.row.startswith(b"</", at)
            cell.end = self.row.index(b">", at) + 1 if closed else at
            self._cell = None


def parsed(row: bytes, prefix: str) -> list[Parsed]:
    """Return the cells of a row, read by the XML parser. Raises ``SheetError``."""
    return _RowParser(row, prefix).cells


def locate(row: bytes, prefix: str) -> Sequence[Located]:
    """Return the cells of a row with the positions of their bytes. Raises ``SheetError``.

    Uses the regular expression if it matches the whole row, else the XML parser.
    """
    at = row.find(b">") + 1
    end = len(row) if row.endswith(b"/>") else row.rfind(b"<")
    found = []
    for match in _bytes_pattern(prefix).finditer(row, at, end):
        if match.start() != at:
            return parsed(row, prefix)
        at = match.end()
        found.append(match)
    if at != end:
        return parsed(row, prefix)
    columns = columns_in_order(tuple(match[1].decode() for match in found))
    return [_located(column, match) for column, match in zip(columns, found, strict=True)]


def _located(column: int, match: re.Match[bytes]) -> Located:
    _letters, style, _kind, formula, value, inline = match.groups()
    area = None
    if formula is not None:
        named = _RANGE_OF_FORMULA.search(formula, 0, formula.index(b">"))
        area = named[1].decode() if named else ""
    filled = formula is not None or value is not None or inline is not None
    return Located(column, match.start(), (style or b"").decode(), match.end(), area, filled)


@lru_cache(maxsize=8)
def _bytes_pattern(prefix: str) -> re.Pattern[bytes]:
    return re.compile(cell_pattern(prefix).encode())


@lru_cache(maxsize=1024)
def columns_in_order(letters: Sequence[str]) -> tuple[int, ...]:
    """Return the indexes of columns from their letters.

    Raises:
        SheetError: the columns are not in ascending order.
    """
    columns = tuple(map(number_of, letters))
    if any(before >= column for before, column in pairwise(columns)):
        raise SheetError("table_damaged")
    return columns


def number_of(letters: str) -> int:
    """Return the index of a column from its letters: 27 for "AB".

    Raises:
        SheetError: a sheet has no such column.
    """
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    if number > limits.MAX_COLUMNS:
        raise SheetError("table_damaged")
    return number - 1


def column_of(reference: str) -> int:
    """Return the column index of a cell reference: 27 for "AB12".

    Raises:
        SheetError: this is no cell reference.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise SheetError("table_damaged")
    return number_of(match[1])


def letters_of(column: int) -> str:
    """Return the letters of a column: "AB" for index 27."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def columns_of(area: str) -> tuple[int, int]:
    """Return the first and last column index of a range such as "A1:C3" or "A1".

    Raises:
        SheetError: this is no range of cells.
    """
    first, _, last = area.replace("$", "").partition(":")
    return column_of(first), column_of(last or first)
