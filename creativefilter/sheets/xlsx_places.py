"""Where in a row's XML its cells stand, and the names of columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from creativefilter.sheets import limits
from creativefilter.sheets.errors import SheetError
from creativefilter.sheets.xlsx_package import Parser

_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


@dataclass(slots=True)
class Located:
    """A cell and the place of its bytes within its row.

    ``formula`` is the range that its formula fills, "" for this cell alone, None without one.
    """

    column: int
    start: int
    kind: str
    style: str
    end: int = 0
    text: str = ""
    formula: str | None = None
    filled: bool = False


class _RowParser(Parser):
    """Finds the cells of one row."""

    def __init__(self, row: bytes, prefix: str) -> None:
        super().__init__()
        self.row, self.prefix = row, prefix
        self.cells: list[Located] = []
        self._cell: Located | None = None
        self._texts: list[str] = []
        self._aloud = False
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parse(row, last=True)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        cell = self._cell
        if cell is None:
            if local == "c":
                self._begin(attributes)
        elif local in ("v", "t"):
            cell.filled = True
            if not self._aloud:
                self.parser.CharacterDataHandler = self._texts.append
        elif local == "f":
            cell.filled = True
            cell.formula = attributes.get("ref", "")
        elif local == "rPh":
            self._aloud = True

    def _begin(self, attributes: dict[str, str]) -> None:
        before = self.cells[-1].column if self.cells else -1
        column = column_of(attributes["r"]) if "r" in attributes else before + 1
        if column <= before:
            self.refuse()
        start = self.parser.CurrentByteIndex
        self._cell = Located(column, start, attributes.get("t", "n"), attributes.get("s", ""))
        self.cells.append(self._cell)

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        cell = self._cell
        if cell is None:
            return
        if local in ("v", "t"):
            self.parser.CharacterDataHandler = None
        elif local == "rPh":
            self._aloud = False
        elif local == "c":
            cell.text = "".join(self._texts)
            self._texts.clear()
            at = self.parser.CurrentByteIndex
            # Of "<c …/>" the parser tells the beginning.
            cell.end = self.row.index(b">", at) + 1
            self._cell = None


def locate(row: bytes, prefix: str) -> list[Located]:
    """The cells of a row with the places of their bytes. Raises ``SheetError``."""
    return _RowParser(row, prefix).cells


def number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    if number > limits.MAX_COLUMNS:
        raise SheetError("table_damaged")
    return number - 1


def column_of(reference: str) -> int:
    """Column 27 of "AB12". Raises ``SheetError``."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise SheetError("table_damaged")
    return number_of(match[1])


def letters_of(column: int) -> str:
    """ "AB" of column 27."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def columns_of(area: str) -> tuple[int, int]:
    """First and last column of a range as "A1:C3" or "A1"."""
    first, _, last = area.replace("$", "").partition(":")
    return column_of(first), column_of(last or first)
