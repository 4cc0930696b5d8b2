"""A CSV file as a table: its heading, its rows, and each row's text as it stands in the file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from creativefilter.sheets import csv_rows, limits
from creativefilter.sheets.containers import Source, translated
from creativefilter.sheets.errors import Finding
from creativefilter.sheets.fields import Field, Heading, clean_title, field_of
from creativefilter.sheets.tally import Tally
from creativefilter.sheets.text import UTF8, Encoding, is_russian_utf8
from creativefilter.sheets.types import Broken, Cell, Row

DELIMITERS = (",", ";", "\t", "|")
_SEP = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)
_UNREADABLE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Form:
    """How a CSV file is to be read. ``top`` counts its lines down to the heading, with it."""

    encoding: Encoding
    delimiter: str
    heading: Heading
    cells: int
    top: int


class Record(NamedTuple):
    """A row as text of the file, with its line ends. ``cells`` is None where it is no row."""

    raw: str
    cells: Sequence[Cell] | None
    is_heading: bool


class CsvTable:
    name = ""

    def __init__(self, source: Source, size: int, form: Form) -> None:
        self.source, self.size, self.form = source, max(1, size), form
        self.heading = form.heading
        ids = self.heading.fields.get(Field.ADVERTISEMENT_ID, [0])
        self._id = ids[0]
        self._read = 0
        # Cells of the longest row that was read.
        self.widest = form.cells
        self.tally = Tally()

    @property
    def done(self) -> float:
        return min(1.0, self._read / self.size)

    def findings(self) -> list[Finding]:
        return self.tally.findings("")

    def key(self, cells: Sequence[Cell]) -> Cell | Broken:
        """The cell of the Advertisement ID, or the whole row if it can't be read."""
        if isinstance(cells, Broken):
            return cells
        return cells[self._id] if self._id < len(cells) else ""

    def rows(self) -> Iterator[Row]:
        self.tally.clear()
        width, at, unusual = self.form.cells, self._id, self._unusual
        with self._opened() as (lines, number):
            while some := lines.some():
                mended, clear = self._mended(some)
                rows = csv_rows.split(mended, self.form.delimiter) if clear else None
                if rows is None:
                    for taken, cells in self._one_by_one(lines, some):
                        if (row := unusual(number, cells)) is not None:
                            yield number, row
                        number += len(taken)
                    continue
                for line, cells in enumerate(rows, number):
                    # What begins with a digit is no heading and not blank: nearly every row.
                    if len(cells) == width and "0" <= cells[at] < ":":
                        yield line, cells
                    elif cells and (row := unusual(line, cells)) is not None:
                        yield line, row
                number += len(rows)

    def records(self) -> Iterator[Record]:
        """All that stands below the heading, with blank lines and repeated headings."""
        self.tally.clear()
        with self._opened() as (lines, number):
            while some := lines.some():
                mended, clear = self._mended(some)
                rows = csv_rows.split(mended, self.form.delimiter) if clear else None
                each = ([line] for line in some)
                for taken, cells in (
                    zip(each, rows, strict=True) if rows else self._one_by_one(lines, some)
                ):
                    again = self.tally.headings
                    row = self._unusual(number, cells)
                    number += len(taken)
                    yield Record("".join(taken), row, self.tally.headings > again)

    def top(self) -> tuple[str, str]:
        """What stands above the heading, and the heading, as they are in the file."""
        with translated(), opened_text(self.source, self.form.encoding) as text:
            lines = [text.readline() for _line in range(self.form.top)]
        above = self.heading.line - 1
        return "".join(lines[:above]), "".join(lines[above:])

    @contextmanager
    def _opened(self) -> Iterator[tuple[csv_rows.Lines, int]]:
        """The lines below the heading, and the number of the first."""
        with translated(), opened_text(self.source, self.form.encoding) as text:
            for _line in range(self.form.top):
                text.readline()

            def read(characters: int) -> list[str]:
                lines = text.readlines(characters)
                buffer: Any = text.buffer  # its type has no tell
                self._read = buffer.tell()
                return lines

            yield csv_rows.Lines(read), self.form.top + 1

    def _one_by_one(self, lines: csv_rows.Lines, some: list[str]) -> Iterator[csv_rows.Record]:
        lines.put_back(some)
        left = len(some)
        while left > 0:
            found = csv_rows.record(lines, self.form.delimiter, self._is_row, self._mend)
            if found is None:
                return
            left -= len(found[0])
            yield found

    def _is_row(self, cells: list[str], lines: list[str]) -> bool:
        """Whether several lines are one row, and not a line with an open quotation mark.

        It has the form of a row, and no line within it is a row by itself. The last one may look
        like one where the cell that is broken is the first; then the first line does not.
        """
        trimmed = _trimmed(cells, self.form.cells)
        if not self.heading.width <= len(trimmed) <= self.form.cells:
            return False
        first = lines[0].count(self.form.delimiter) + 1
        suspects = lines[1:] if first >= self.heading.width else lines[1:-1]
        return not any(map(self._is_whole_row, suspects))

    def _is_whole_row(self, line: str) -> bool:
        """Whether a single line has all the cells of a row, and a number as ID."""
        [cells] = csv_rows.split([self._mend(line)], self.form.delimiter) or [[]]
        return len(cells) == self.form.cells and cells[self._id].strip().isdecimal()

    def _mended(self, lines: list[str]) -> tuple[list[str], bool]:
        """Lines of another encoding read in theirs; and whether all of them can be read."""
        encoding = self.form.encoding
        if encoding.clean:
            return lines, True
        if not (encoding.other and encoding.main != UTF8):
            try:
                "".join(lines).encode()
            except UnicodeEncodeError:
                pass  # bytes that are no letters of the encoding
            else:
                return lines, True
        mended = list(map(self._mend, lines))
        return mended, not any(map(_UNREADABLE.search, mended))

    def _mend(self, line: str) -> str:
        """A line as it is to be read; bytes that can't be stay as they are (surrogates)."""
        encoding = self.form.encoding
        if encoding.clean or line.isascii():
            return line
        if encoding.main == UTF8:
            if encoding.other and _UNREADABLE.search(line):
                raw = line.encode(UTF8, "surrogateescape")
                return raw.decode(encoding.other, "replace")
            return line
        if encoding.other:
            raw = line.encode(encoding.main, "surrogateescape")
            if is_russian_utf8(raw):
                return raw.decode()
        # One byte is no letter in cp1251, half a letter is none in UTF-16; that stops nothing.
        return _UNREADABLE.sub("\ufffd", line)

    def _unusual(self, number: int, cells: Sequence[Cell]) -> Sequence[Cell] | None:
        """The row with a closer look; None if it is blank or repeats the heading."""
        if isinstance(cells, Broken):
            text = str(cells[0])
            self.widest = max(self.widest, text.count(self.form.delimiter) + 1)
            text = _UNREADABLE.sub("\ufffd", text)
            return self.tally.broken(number, Broken([text], cells.code))
        self.widest = max(self.widest, len(cells))
        texts = [str(cell) for cell in cells]
        if not any(map(str.strip, texts)):
            return None
        if any(map(_UNREADABLE.search, texts)):
            readable = [_UNREADABLE.sub("\ufffd", text) for text in texts]
            return self.tally.broken(number, Broken(readable, "row_encoding"))
        if self._is_heading(texts):
            self.tally.heading(number)
            return None
        texts = _trimmed(texts, self.form.cells)
        if len(texts) > self.form.cells:
            return self.tally.broken(number, Broken(texts, "row_many_cells"))
        if len(texts) < self.heading.width:
            self.tally.short(number)
        return texts

    def _is_heading(self, texts: list[str]) -> bool:
        if Field.ADVERTISEMENT_ID in self.heading.fields:
            here = texts[self._id] if self._id < len(texts) else ""
            return bool(here) and field_of(clean_title(here)) == Field.ADVERTISEMENT_ID
        return tuple(map(clean_title, texts)) == self.heading.titles


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Without blank cells behind the last column."""
    end = len(cells)
    while end > width and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


@contextmanager
def opened_text(source: Source, encoding: Encoding) -> Iterator[io.TextIOWrapper]:
    """The text, from which the same bytes can be made again; the file stays open."""
    file: Any = source.open()
    text = io.TextIOWrapper(file, encoding.main, errors=errors_of(encoding), newline="")
    try:
        yield text
    finally:
        text.detach()


def errors_of(encoding: Encoding) -> str:
    """How bytes that are no letters, and halves of letters in UTF-16, survive reading."""
    return "surrogatepass" if encoding.main.startswith("utf-16") else "surrogateescape"


def forms(source: Source, found: Sequence[Encoding]) -> list[Form]:
    """Every way to read a CSV file in which it has a heading."""
    every: list[Form] = []
    for encoding in found:
        with opened_text(source, encoding) as text:
            lines = text.readlines(limits.BLOCK)
        every += _forms(lines, encoding)
    wide = [form for form in every if len([t for t in form.heading.titles if t]) > 1]
    if wide:
        return wide
    # A single column does not tell the delimiter; in old encodings it comes from a Russian Excel.
    single: dict[str, Form] = {}
    for form in every:
        usual = "," if form.encoding.main == UTF8 else ";"
        if form.delimiter == usual or form.encoding.main not in single:
            single[form.encoding.main] = form
    return list(single.values())


def _forms(lines: list[str], encoding: Encoding) -> list[Form]:
    separator = _SEP.fullmatch(lines[0]) if lines else None
    delimiters: Sequence[str] = [separator[1]] if separator else DELIMITERS
    return [
        form
        for delimiter in delimiters
        for form in _with_heading(lines, encoding, delimiter, 1 if separator else 0)
    ]


def _with_heading(lines: list[str], encoding: Encoding, delimiter: str, skipped: int) -> list[Form]:
    """The forms with this delimiter: none without a heading, several with several ID columns."""
    rows = list(_first_rows(lines, delimiter, skipped))
    headings = [Heading(tuple(map(clean_title, cells)), line) for line, _top, cells in rows]
    chosen = next((n for n, h in enumerate(headings) if Field.ADVERTISEMENT_ID in h.fields), None)
    if chosen is None:
        chosen = next((n for n, h in enumerate(headings) if h.is_usable()), None)
    if chosen is None:
        return []
    above = tuple(" ".join(title for title in each.titles if title) for each in headings[:chosen])
    line, top, cells = rows[chosen]
    titles = headings[chosen].titles
    places = headings[chosen].fields.get(Field.ADVERTISEMENT_ID, [])
    return [
        Form(encoding, delimiter, Heading(titles, line, above, place), len(cells), top)
        for place in (places[: limits.MAX_READINGS] if len(places) > 1 else [None])
    ]


def _first_rows(
    lines: list[str], delimiter: str, skipped: int
) -> Iterator[tuple[int, int, Sequence[Cell]]]:
    """Rows at the top that are not blank: number of the line, lines down to its end, cells."""
    # A byte order mark before a quotation mark would make it one like any other.
    some = [line.removeprefix("\ufeff") for line in lines[:1]] + lines[1:]
    left = iter([some[skipped:]])
    source = csv_rows.Lines(lambda _size: next(left, []))

    def is_heading(_cells: list[str], taken: list[str]) -> bool:
        return len(taken) <= limits.HEADING_ROWS

    top, count = skipped, 0
    while count < limits.HEADING_ROWS and (found := csv_rows.record(source, delimiter, is_heading)):
        taken, cells = found
        top += len(taken)
        if any(str(cell).strip() for cell in cells):
            count += 1
            yield top - len(taken) + 1, top, cells
