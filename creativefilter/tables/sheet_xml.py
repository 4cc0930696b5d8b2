"""The XML of one sheet, read as a stream, with the place of every row and cell in its bytes.

The parser only tells where things are; whoever changes the sheet copies all other bytes.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers.expat import ExpatError, ParserCreate

from creativefilter.tables.errors import TableFileError
from creativefilter.tables.layout import number_as_text

BLOCK = 1 << 16
# What is kept of a text; an ID has 64 signs at most.
MAX_TEXT = 200
# Of the number of a row or of a text; a sheet has 1,048,576 rows.
MAX_DIGITS = 9
_TAG = re.compile(rb"<(?:[^\"'>]|\"[^\"]*\"|'[^']*')*+>")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass(slots=True)
class Cell:
    """A cell and its bytes' place in the sheet. ``text`` is None where nobody asked for it."""

    column: int
    start: int
    kind: str
    style: str
    end: int = 0
    text: str | None = None
    # Of a formula: the range that it fills, if it is one for several cells.
    formula: str | None = None
    filled: bool = False


@dataclass(slots=True)
class Row:
    """A row: its number, from 1, and the places of its bytes: the tag, the cells, the end."""

    number: int
    start: int
    tag_end: int
    cells: list[Cell] = field(default_factory=list)
    close: int = 0
    end: int = 0

    @property
    def filled(self) -> bool:
        return any(cell.filled for cell in self.cells)


class Strings:
    """The texts that a workbook keeps once, in a fraction of what Python strings take."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._bytes, self._ends = bytearray(), array("Q")
        if file is not None:
            _TextReader(self._add).read(file)

    def _add(self, text: str) -> None:
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends):
            raise TableFileError("table_damaged")
        start = self._ends[number - 1] if number else 0
        return self._bytes[start : self._ends[number]].decode()


class _Reader:
    """Expat without what documents could make it fetch or blow up."""

    def __init__(self) -> None:
        self.parser = parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.StartDoctypeDeclHandler = self._refuse
        parser.XmlDeclHandler = self._declared

    def _refuse(self, *_arguments: Any) -> None:
        raise TableFileError("table_damaged")

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "us-ascii"):
            self._refuse()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        raise NotImplementedError

    def parse(self, block: bytes) -> None:
        """b"" is the end of the document."""
        try:
            self.parser.Parse(block, not block)
        except ExpatError as error:
            raise TableFileError("table_damaged") from error


class _TextReader(_Reader):
    """Gives the text of every ``si``, without what says how it is read aloud."""

    def __init__(self, give: Callable[[str], None]) -> None:
        super().__init__()
        self.give = give
        self.texts: list[str] = []
        self.aloud = False

    def read(self, file: IO[bytes]) -> None:
        while block := file.read(BLOCK):
            self.parse(block)
        self.parse(b"")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "t" and not self.aloud:
            self.parser.CharacterDataHandler = self.texts.append
        elif local == "rPh":
            self.aloud = True

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local == "t":
            self.parser.CharacterDataHandler = None
        elif local == "rPh":
            self.aloud = False
        elif local == "si":
            self.give("".join(self.texts)[:MAX_TEXT])
            self.texts.clear()


class SheetReader(_Reader):
    """Reads a sheet. ``on_row`` gets every row at its end; ``buffer`` has the bytes from ``base``
    on, and may be cut up to ``safe``. ``wanted`` is the column whose texts are read, None all.

    ``on_dimension`` gets start, end and range of the element that says how large the sheet is.
    """

    def __init__(
        self,
        strings: Strings,
        on_row: Callable[[Row], None],
        on_dimension: Callable[[int, int, str], None] = lambda *_: None,
    ) -> None:
        super().__init__()
        self.strings, self.on_row, self.on_dimension = strings, on_row, on_dimension
        self.buffer, self.base, self.safe = bytearray(), 0, 0
        self.wanted: int | None = None
        self.prefix = ""
        self.merged: list[str] = []
        self._in_data = self._aloud = False
        self._row: Row | None = None
        self._cell: Cell | None = None
        self._number = 0
        self._texts: list[str] = []

    def feed(self, block: bytes) -> None:
        """Some more of the sheet; b"" at its end. Raises ``TableFileError``."""
        self.buffer += block
        if self.base == 0 and self.buffer.startswith((b"\xff\xfe", b"\xfe\xff")):
            self._refuse()
        self.parse(block)

    def forget(self, upto: int) -> None:
        """Lets go of the bytes before a place."""
        del self.buffer[: upto - self.base]
        self.base = upto

    def bytes(self, start: int, end: int) -> bytes:
        return bytes(self.buffer[start - self.base : end - self.base])

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if self._in_data:
            self._start_in_data(local, attributes)
            return
        self.safe = self.parser.CurrentByteIndex
        if local == "sheetData":
            self._in_data = True
            self.prefix = name[: -len(local)]
        elif local == "dimension":
            end = self._tag_end(self.safe)
            self.on_dimension(self.safe, end, attributes.get("ref", ""))
        elif local == "mergeCell":
            self.merged.append(attributes.get("ref", ""))

    def _start_in_data(self, local: str, attributes: dict[str, str]) -> None:
        cell, row = self._cell, self._row
        if cell is not None:
            if local in ("v", "t"):
                cell.filled = True
                if (self.wanted is None or self.wanted == cell.column) and not self._aloud:
                    self.parser.CharacterDataHandler = self._texts.append
            elif local == "f":
                cell.filled = True
                cell.formula = attributes.get("ref", "")
            elif local == "rPh":
                self._aloud = True
        elif local == "c" and row is not None:
            before = row.cells[-1].column if row.cells else -1
            self._cell = Cell(
                column_of(attributes["r"]) if "r" in attributes else before + 1,
                self.parser.CurrentByteIndex,
                attributes.get("t", "n"),
                attributes.get("s", ""),
            )
            row.cells.append(self._cell)
            if self._cell.column <= before:
                self._refuse()
        elif local == "row" and row is None:
            start = self.parser.CurrentByteIndex
            number = attributes.get("r", "")
            known = number.isdecimal() and len(number) <= MAX_DIGITS
            self._number = int(number) if known else self._number + 1
            self._row = Row(self._number, start, self._tag_end(start))

    def end(self, name: str) -> None:
        if not self._in_data:
            return
        local = name.rpartition(":")[2]
        cell, row = self._cell, self._row
        if cell is not None:
            if local in ("v", "t"):
                self.parser.CharacterDataHandler = None
            elif local == "rPh":
                self._aloud = False
            elif local == "c":
                cell.end = self._end_of(cell.start)[1]
                if self.wanted is None or self.wanted == cell.column:
                    cell.text = self._read(cell)
                self._cell = None
        elif local == "row" and row is not None:
            row.close, row.end = self._end_of(row.start)
            self._row = None
            self.safe = row.end
            self.on_row(row)
        elif local == "sheetData":
            self._in_data = False

    def _read(self, cell: Cell) -> str:
        text = "".join(self._texts)
        self._texts.clear()
        if cell.kind == "s":
            known = text.isdecimal() and len(text) <= MAX_DIGITS
            return self.strings[int(text)] if known else ""
        return number_as_text(text) if cell.kind == "n" else text[:MAX_TEXT]

    def _tag_end(self, start: int) -> int:
        match = _TAG.match(self.buffer, start - self.base)
        if match is None:
            self._refuse()
        return self.base + match.end()  # type: ignore[union-attr]

    def _end_of(self, start: int) -> tuple[int, int]:
        """Where the end tag of the element that ends now begins and ends."""
        tag_end = self._tag_end(start)
        if self.buffer[tag_end - self.base - 2 : tag_end - self.base] == b"/>":
            return tag_end, tag_end
        at = self.parser.CurrentByteIndex
        return at, self.base + self.buffer.index(b">", at - self.base) + 1


def column_of(reference: str) -> int:
    """Column 27 of "AB12". Raises ``TableFileError``."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise TableFileError("table_damaged")
    number = 0
    for letter in match[1]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


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
