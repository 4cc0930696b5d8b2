"""CSV tables as bytes: what is not ours to change is not even decoded.

In UTF-8 and in cp1251 alike the delimiter, the quotation mark and the ends of lines are single
bytes of ASCII, so a row is cut and lengthened where it stands: its quoting, its line end and
letters that no encoding knows stay as they came. Memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import IO, Any

from creativefilter.creatives.cells import harmless
from creativefilter.tables.answers import Answer
from creativefilter.tables.errors import TableFileError
from creativefilter.tables.layout import ADDED, HEADING_ROWS, Layout, id_column, places

DELIMITERS = (b";", b",", b"\t")
BLOCK = 1 << 20
# No row of a table is so long; a line without end must not be read into memory.
MAX_LINE = 1 << 20
# A quoted cell with more lines than this is a quotation mark that nobody closed.
MAX_CELL_LINES = 200
# Rows that are answered at once.
ROWS = 2_000


def survey(file: IO[bytes], seen: Callable[[list[str], float], None]) -> Layout:
    """Reads a table once; ``seen`` gets the cells of the ID column and the share that was read.

    Raises ``TableFileError``.
    """
    lines = Lines(file)
    above, record, delimiter = _heading(lines)
    heading = [_text(field) for field in _fields(record, delimiter)]
    place = id_column(heading)
    assert place is not None  # noqa: S101 (_heading has found it)
    width = len(heading)
    while rows := list(islice(_records(lines, delimiter), ROWS)):
        fields = [_fields(row, delimiter) for row in rows if row.strip()]
        width = max([width, *map(len, fields)])
        seen([_cell(row, place) for row in fields], lines.done)
    return Layout(
        kind="csv",
        id_column=place,
        heading=above,
        width=width,
        places=places(heading, width),
        encoding="utf-8" if lines.is_utf8 else "cp1251",
        delimiter=delimiter.decode(),
    )


def rewrite(
    file: IO[bytes],
    layout: Layout,
    target: IO[bytes],
    answer: Callable[[list[str], float], list[Answer]],
) -> None:
    """Writes the table with its answers; ``answer`` is asked for some rows at a time."""
    lines, writer = Lines(file), _Writer(layout)
    delimiter, place = writer.delimiter, layout.id_column
    for _number in range(layout.heading):
        target.write(lines.next())
    target.write(writer.with_titles(lines.record(delimiter)))
    while rows := list(islice(_records(lines, delimiter), ROWS)):
        cells = [_cell(_fields(row, delimiter), place) for row in rows if row.strip()]
        answers = iter(answer(cells, lines.done))
        for row in rows:
            # An empty line is no row.
            target.write(writer.with_answer(row, next(answers)) if row.strip() else row)


class Lines:
    """The lines of a file. What was read too far is put back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = max(1, file.seek(0, 2))
        file.seek(0)
        first = file.read(BLOCK)
        file.seek(0)
        if not first:
            raise TableFileError("table_empty")
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise TableFileError("table_utf16")
        # Old programs on Macs end lines so.
        self._end = b"\r" if b"\r" in first and b"\n" not in first else b"\n"
        self._back: deque[bytes] = deque()
        self._rest = b""
        self._read = 0
        self.is_utf8 = True

    @property
    def done(self) -> float:
        """The share of the file that was read, 0 to 1."""
        return self._read / self._size

    def next(self) -> bytes:
        """A line with its end; b"" after the last one. Raises ``TableFileError``."""
        if self._back:
            return self._back.popleft()
        line = self._file.readline(MAX_LINE + 1) if self._end == b"\n" else self._old_line()
        if len(line) > MAX_LINE or b"\0" in line:
            raise TableFileError("table_not_a_table")
        self._read += len(line)
        if self.is_utf8 and not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                self.is_utf8 = False
        return line

    def _old_line(self) -> bytes:
        while self._end not in self._rest and len(self._rest) <= MAX_LINE:
            block = self._file.read(BLOCK)
            if not block:
                break
            self._rest += block
        line, end, self._rest = self._rest.partition(self._end)
        return line + end

    def put_back(self, lines: list[bytes]) -> None:
        self._back.extendleft(reversed(lines))

    def record(self, delimiter: bytes) -> bytes:
        """A row with its end: one line, or several that a quoted cell holds together."""
        return b"".join(self.record_lines(delimiter))

    def record_lines(self, delimiter: bytes) -> list[bytes]:
        lines = [self.next()]
        if b'"' not in lines[0] or _split(lines[0], delimiter) is not None:
            return lines
        while len(lines) < MAX_CELL_LINES and (line := self.next()):
            lines.append(line)
            if b'"' in line and _split(b"".join(lines), delimiter) is not None:
                return lines
        # Nobody closed the quotation mark: it costs its own line only.
        self.put_back(lines[1:])
        return lines[:1]


def _heading(lines: Lines) -> tuple[int, bytes, bytes]:
    """The number of lines above the heading, the heading, and the delimiter."""
    for above in range(HEADING_ROWS):
        line = lines.next()
        lines.put_back([line] if line else [])
        for delimiter in sorted(DELIMITERS, key=line.count, reverse=True):
            parts = lines.record_lines(delimiter)
            record = b"".join(parts)
            fields = _fields(record, delimiter)
            if id_column([_text(field) for field in fields]) is not None:
                # A single column does not tell; in cp1251 it comes from a Russian Excel.
                single = b"," if lines.is_utf8 else b";"
                return above, record, delimiter if len(fields) > 1 else single
            lines.put_back(parts if record else [])
        lines.next()
    raise TableFileError("table_no_column")


def _records(lines: Lines, delimiter: bytes) -> Iterator[bytes]:
    while record := lines.record(delimiter):
        yield record


@lru_cache(maxsize=8)
def _field_pattern(delimiter: bytes) -> re.Pattern[bytes]:
    """A cell: quoted from its first sign on, or with no quotation mark there.

    The quantifiers give nothing back, so a mark that is not closed costs no time.
    """
    other = b"[^" + re.escape(delimiter) + b"]*+"
    return re.compile(b'"(?:[^"]|"")*+"' + other + b'|(?!")' + other)


def _split(record: bytes, delimiter: bytes) -> list[bytes] | None:
    """The cells as they are written; None if a quotation mark is not closed."""
    pattern, fields, at = _field_pattern(delimiter), [], 0
    while match := pattern.match(record, at):
        fields.append(match[0])
        at = match.end() + 1
        if at > len(record):
            return fields
    return None


def _fields(record: bytes, delimiter: bytes) -> list[bytes]:
    body = record.rstrip(b"\r\n")
    if b'"' in body and (fields := _split(body, delimiter)) is not None:
        return fields
    return body.split(delimiter)


def _cell(fields: list[bytes], place: int) -> str:
    return _text(fields[place]) if place < len(fields) else ""


def _text(field: bytes) -> str:
    """A cell as a person reads it."""
    field = field.removeprefix(codecs.BOM_UTF8).strip()
    if len(field) > 1 and field[:1] == field[-1:] == b'"':
        field = field[1:-1].replace(b'""', b'"')
    try:
        return field.decode()
    except UnicodeDecodeError:
        return field.decode("cp1251", "replace")


class _Writer:
    """Puts the answers into rows of one table."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.delimiter = layout.delimiter.encode()
        self._known: dict[Answer, list[bytes]] = {}

    def with_titles(self, heading: bytes) -> bytes:
        fields = _fields(heading, self.delimiter)
        titles = [
            fields[place] if place < len(fields) else self._encoded(name)
            for name, place in zip(ADDED, self.layout.places, strict=True)
        ]
        return self._with(heading, titles)

    def with_answer(self, record: bytes, answer: Answer) -> bytes:
        if len(self._known) > ROWS:
            self._known.clear()
        if answer not in self._known:
            self._known[answer] = [self._encoded(cell) for cell in answer.cells()]
        return self._with(record, self._known[answer])

    def _with(self, record: bytes, new: list[bytes]) -> bytes:
        """A row with these cells at their places; shorter rows are filled up to the others."""
        layout = self.layout
        body = record.rstrip(b"\r\n")
        ending = record[len(body) :]
        fields = _fields(record, self.delimiter)
        fields += [b""] * (max(layout.width, max(layout.places) + 1) - len(fields))
        for place, cell in zip(layout.places, new, strict=True):
            fields[place] = cell
        return self.delimiter.join(fields) + ending

    def _encoded(self, cell: Any) -> bytes:
        if cell is None:
            return b""
        text = str(harmless(cell))
        if isinstance(cell, float):
            # Who separates by semicolons does so because the comma is the decimal mark.
            text = f"{cell:.4f}".rstrip("0").rstrip(".")
            text = text.replace(".", "," if self.layout.delimiter == ";" else ".")
        if any(sign in text for sign in (self.layout.delimiter, '"', "\r", "\n")):
            text = '"' + text.replace('"', '""') + '"'
        return text.encode(self.layout.encoding, "replace")
