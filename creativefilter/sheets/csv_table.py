"""A CSV file as a table: its heading, its rows, and the original text of each row."""

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
    """How to read a CSV file.

    ``cells``: number of cells of the heading row. ``top``: number of lines up to the end of the
    heading.
    """

    encoding: Encoding
    delimiter: str
    heading: Heading
    cells: int
    top: int


class Record(NamedTuple):
    """A part of the file below the heading, with its line ends.

    ``cells`` is None for a blank line and for a repeated heading.
    """

    raw: str
    cells: Sequence[Cell] | None
    is_heading: bool


class CsvTable:
    """A CSV file read in one ``Form`` (see ``types.Table``)."""

    name = ""

    def __init__(self, source: Source, size: int, form: Form) -> None:
        self.source, self.size, self.form = source, max(1, size), form
        self.heading = form.heading
        ids = self.heading.fields.get(Field.ADVERTISEMENT_ID, [0])
        self._id = ids[0]
        self._read = 0
        # Number of cells of the longest row so far.
        self.widest = form.cells
        self.tally = Tally()

    @property
    def done(self) -> float:
        return min(1.0, self._read / self.size)

    def findings(self) -> list[Finding]:
        return self.tally.findings("")

    def key(self, cells: Sequence[Cell]) -> Cell | Broken:
        """Return the cell of the Advertisement ID, or the row itself if it is ``Broken``.

        "" if the row is too short; the first cell if the table has no such column.
        """
        if isinstance(cells, Broken):
            return cells
        return cells[self._id] if self._id < len(cells) else ""

    def rows(self) -> Iterator[Row]:
        self.tally.clear()
        width, at, checked_row = self.form.cells, self._id, self._checked_row
        with self._opened() as (lines, number):
            while batch := lines.batch():
                decoded, readable = self._decoded(batch)
                rows = csv_rows.split(decoded, self.form.delimiter) if readable else None
                if rows is None:
                    for taken, cells in self._one_by_one(lines, batch):
                        if (row := checked_row(number, cells)) is not None:
                            yield number, row
                        number += len(taken)
                    continue
                for line, cells in enumerate(rows, number):
                    # Fast path for nearly every row: an ID that begins with a digit, so the row is
                    # neither blank nor a heading.
                    if len(cells) == width and "0" <= cells[at] < ":":
                        yield line, cells
                    elif cells and (row := checked_row(line, cells)) is not None:
                        yield line, row
                number += len(rows)

    def records(self) -> Iterator[Record]:
        """Yield everything below the heading, also blank lines and repeated headings."""
        self.tally.clear()
        with self._opened() as (lines, number):
            while batch := lines.batch():
                decoded, readable = self._decoded(batch)
                rows = csv_rows.split(decoded, self.form.delimiter) if readable else None
                each = ([line] for line in batch)
                for taken, cells in (
                    zip(each, rows, strict=True) if rows else self._one_by_one(lines, batch)
                ):
                    headings_before = self.tally.heading_count
                    row = self._checked_row(number, cells)
                    number += len(taken)
                    yield Record("".join(taken), row, self.tally.heading_count > headings_before)

    def top(self) -> tuple[str, str]:
        """Return the text above the heading, and the heading, as they are in the file."""
        with translated(), opened_text(self.source, self.form.encoding) as text:
            lines = [text.readline() for _line in range(self.form.top)]
        above = self.heading.line - 1
        return "".join(lines[:above]), "".join(lines[above:])

    @contextmanager
    def _opened(self) -> Iterator[tuple[csv_rows.Lines, int]]:
        """Open the file below the heading; yield the lines and the number of the first one."""
        with translated(), opened_text(self.source, self.form.encoding) as text:
            for _line in range(self.form.top):
                text.readline()

            def read(characters: int) -> list[str]:
                lines = text.readlines(characters)
                buffer: Any = text.buffer  # typed without "tell"
                self._read = buffer.tell()
                return lines

            yield csv_rows.Lines(read), self.form.top + 1

    def _one_by_one(self, lines: csv_rows.Lines, batch: list[str]) -> Iterator[csv_rows.Record]:
        lines.put_back(batch)
        left = len(batch)
        while left > 0:
            found = csv_rows.record(lines, self.form.delimiter, self._is_row, self._decoded_line)
            if found is None:
                return
            left -= len(found[0])
            yield found

    def _is_row(self, cells: list[str], lines: list[str]) -> bool:
        """Return whether these lines are one row, rather than a line with an unclosed quote.

        They are one row if the number of cells fits and none of the following lines is a complete
        row by itself. The last line is not tested if the first line has fewer cells than the
        heading: after a line break in one of the first cells it may look like a complete row.
        """
        trimmed = _trimmed(cells, self.form.cells)
        if not self.heading.width <= len(trimmed) <= self.form.cells:
            return False
        first = lines[0].count(self.form.delimiter) + 1
        suspects = lines[1:] if first >= self.heading.width else lines[1:-1]
        return not any(map(self._is_whole_row, suspects))

    def _is_whole_row(self, line: str) -> bool:
        """Return whether a line has as many cells as the heading, and a number as ID."""
        [cells] = csv_rows.split([self._decoded_line(line)], self.form.delimiter) or [[]]
        return len(cells) == self.form.cells and cells[self._id].strip().isdecimal()

    def _decoded(self, lines: list[str]) -> tuple[list[str], bool]:
        """Return all lines, decoded with the right encoding, and whether all are readable."""
        encoding = self.form.encoding
        if encoding.clean:
            return lines, True
        if not (encoding.other and encoding.main != UTF8):
            try:
                "".join(lines).encode()
            except UnicodeEncodeError:
                pass  # undefined bytes or lone surrogates
            else:
                return lines, True
        decoded = list(map(self._decoded_line, lines))
        return decoded, not any(map(_UNREADABLE.search, decoded))

    def _decoded_line(self, line: str) -> str:
        """Return the text of a line, decoded with the right encoding.

        Undecodable bytes become U+FFFD, except in UTF-8 files without ``encoding.other``, where
        they stay surrogate escapes.
        """
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
        # An undefined byte of cp1251 or a lone surrogate of UTF-16 does not spoil the row.
        return _UNREADABLE.sub("\ufffd", line)

    def _checked_row(self, number: int, cells: Sequence[Cell]) -> Sequence[Cell] | None:
        """Check a row and count its findings; None if it is blank or repeats the heading."""
        if isinstance(cells, Broken):
            text = str(cells[0])
            self.widest = max(self.widest, text.count(self.form.delimiter) + 1)
            text = _UNREADABLE.sub("\ufffd", text)
            return self.tally.add_broken_row(number, Broken([text], cells.code))
        self.widest = max(self.widest, len(cells))
        texts = [str(cell) for cell in cells]
        if not any(map(str.strip, texts)):
            return None
        if any(map(_UNREADABLE.search, texts)):
            readable = [_UNREADABLE.sub("\ufffd", text) for text in texts]
            return self.tally.add_broken_row(number, Broken(readable, "row_encoding"))
        if self._is_heading(texts):
            self.tally.add_heading(number)
            return None
        texts = _trimmed(texts, self.form.cells)
        if len(texts) > self.form.cells:
            return self.tally.add_broken_row(number, Broken(texts, "row_many_cells"))
        if len(texts) < self.heading.width:
            self.tally.add_short_row(number)
        return texts

    def _is_heading(self, texts: list[str]) -> bool:
        if Field.ADVERTISEMENT_ID in self.heading.fields:
            here = texts[self._id] if self._id < len(texts) else ""
            return bool(here) and field_of(clean_title(here)) == Field.ADVERTISEMENT_ID
        return tuple(map(clean_title, texts)) == self.heading.titles


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Remove blank cells after the last column."""
    end = len(cells)
    while end > width and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


@contextmanager
def opened_text(source: Source, encoding: Encoding) -> Iterator[io.TextIOWrapper]:
    """Open the file as text that encodes to the same bytes again; the file stays open."""
    file: Any = source.open()
    text = io.TextIOWrapper(file, encoding.main, errors=errors_of(encoding), newline="")
    try:
        yield text
    finally:
        text.detach()


def errors_of(encoding: Encoding) -> str:
    """Return the error handler that preserves undecodable bytes and lone surrogates."""
    return "surrogatepass" if encoding.main.startswith("utf-16") else "surrogateescape"


def forms(source: Source, found: Sequence[Encoding]) -> list[Form]:
    """Return the combinations of encoding, delimiter and ID column that give a heading.

    Headings with several titles are preferred. Without them, return one form for each encoding,
    with a single column.
    """
    every: list[Form] = []
    for encoding in found:
        with opened_text(source, encoding) as text:
            lines = text.readlines(limits.BLOCK)
        every += _forms(lines, encoding)
    wide = [form for form in every if len([t for t in form.heading.titles if t]) > 1]
    if wide:
        return wide
    # A single column does not show the delimiter. Files that are not in UTF-8 come from Russian
    # Excel, which separates by semicolons.
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
    """Return the forms with this delimiter; [] if there is no heading.

    One for each ID column, at most ``MAX_READINGS``; one if there is no ID column.
    """
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
    """Yield the first rows that are not blank: first line's number, last line's number, cells."""
    # After a byte order mark the csv module would not take a quotation mark for an opening one.
    batch = [line.removeprefix("\ufeff") for line in lines[:1]] + lines[1:]
    left = iter([batch[skipped:]])
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
