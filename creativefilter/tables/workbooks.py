"""XLSX tables: the cells of one sheet are added or replaced, all else is copied byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZipFile

from creativefilter.creatives.cells import harmless
from creativefilter.tables import archives
from creativefilter.tables.answers import Answer
from creativefilter.tables.errors import TableFileError
from creativefilter.tables.layout import ADDED, HEADING_ROWS, Layout, id_column, places
from creativefilter.tables.sheet_xml import (
    BLOCK,
    Row,
    SheetReader,
    Strings,
    columns_of,
    letters_of,
)

MAX_ROWS = 50_000
# Ten columns, and five that we add.
MAX_CELLS = 15 * MAX_ROWS
MAX_COLUMNS = 16_384
# Rows that are answered at once.
ROWS = 1_000
_SPANS = re.compile(rb"\sspans\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_RANGE = re.compile(rb"(?<=\bref=[\"'])[^\"']*")


def survey(file: IO[bytes], seen: Callable[[list[str], float], None]) -> Layout:
    """Reads the first sheet that has a column of IDs; ``seen`` gets these and the share read.

    Raises ``TableFileError``.
    """
    with archives.opened(file) as archive:
        strings = _strings(archive)
        for part in archives.sheets(archive):
            found = _Survey(archive, part, strings, seen).layout()
            if found:
                return found
    raise TableFileError("table_no_column")


def rewrite(
    file: IO[bytes],
    layout: Layout,
    target: IO[bytes],
    answer: Callable[[list[str], float], list[Answer]],
) -> None:
    """Writes the workbook with its answers; ``answer`` is asked for some rows at a time."""
    with archives.opened(file) as archive:
        strings = _strings(archive)

        def change(source: IO[bytes], stream: IO[bytes]) -> None:
            size = archive.getinfo(layout.part).file_size
            _Rewriting(source, stream, layout, strings, answer, size).run()

        archives.copy(archive, target, {layout.part: change}, without_chain=layout.chain)


def _strings(archive: ZipFile) -> Strings:
    if archives.STRINGS not in archive.namelist():
        return Strings(None)
    with archive.open(archives.STRINGS) as file:
        return Strings(file)


class _Survey:
    """One look at one sheet."""

    def __init__(
        self,
        archive: ZipFile,
        part: str,
        strings: Strings,
        seen: Callable[[list[str], float], None],
    ) -> None:
        self.archive, self.part, self.seen = archive, part, seen
        self.reader = SheetReader(strings, self.row)
        self.heading: Row | None = None
        self.titles: list[str] = []
        self.place: int | None = None
        self.looked = self.rows = self.cells = self.width = 0
        self.texts: list[str] = []
        # The columns that will be overwritten, and whether a formula goes with them.
        self.taken: set[int] = set()
        self.chain = False

    def layout(self) -> Layout | None:
        """None if the sheet has no column of IDs."""
        size = max(1, self.archive.getinfo(self.part).file_size)
        read = 0
        with self.archive.open(self.part) as file:
            while block := file.read(BLOCK):
                read += len(block)
                self.reader.feed(block)
                self.reader.forget(self.reader.safe)
                if self.heading is None and self.looked >= HEADING_ROWS:
                    return None
                if len(self.texts) >= ROWS:
                    self.seen(self.texts, read / size)
                    self.texts = []
            self.reader.feed(b"")
        if self.heading is None:
            return None
        self.seen(self.texts, 1.0)
        return self._found()

    def row(self, row: Row) -> None:
        if not row.filled:
            return
        filled = [cell.column for cell in row.cells if cell.filled]
        self.width = max(self.width, filled[-1] + 1)
        self.cells += len(filled)
        if self.heading is None:
            if self.looked < HEADING_ROWS:
                self._look_for_heading(row)
            return
        self.rows += 1
        if self.rows > MAX_ROWS or self.cells > MAX_CELLS:
            raise TableFileError("table_too_long")
        self.texts.append(_text_at(row, self.place))
        if self.taken:
            self._look_at_formulas(row)

    def _look_at_formulas(self, row: Row) -> None:
        for cell in row.cells:
            if cell.formula is None:
                continue
            first, last = columns_of(cell.formula) if cell.formula else (cell.column, cell.column)
            touched = self.taken.intersection(range(first, last + 1))
            if touched and first != last:
                raise TableFileError("table_formula_block")
            self.chain = self.chain or bool(touched)

    def _look_for_heading(self, row: Row) -> None:
        self.looked += 1
        titles = [""] * (row.cells[-1].column + 1)
        for cell in row.cells:
            titles[cell.column] = cell.text or ""
        self.place = id_column(titles)
        if self.place is not None:
            self.heading, self.titles = row, titles
            self.taken = {place for place in places(titles, MAX_COLUMNS) if place < MAX_COLUMNS}
            self.reader.wanted = self.place

    def _found(self) -> Layout:
        merged = [columns_of(area)[1] + 1 for area in self.reader.merged]
        width = max([self.width, *merged])
        where = places(self.titles, width)
        if max(where) >= MAX_COLUMNS:
            raise TableFileError("table_too_wide")
        assert self.heading is not None  # noqa: S101 (layout asks only then)
        assert self.place is not None  # noqa: S101
        return Layout(
            kind="xlsx",
            id_column=self.place,
            heading=self.heading.number,
            width=width,
            places=where,
            part=self.part,
            chain=self.chain,
        )


def _text_at(row: Row, column: int | None) -> str:
    return next((cell.text or "" for cell in row.cells if cell.column == column), "")


class _Rewriting:
    """One sheet on its way from one archive to another."""

    def __init__(
        self,
        source: IO[bytes],
        target: IO[bytes],
        layout: Layout,
        strings: Strings,
        answer: Callable[[list[str], float], list[Answer]],
        size: int,
    ) -> None:
        self.source, self.target, self.layout = source, target, layout
        self.answer, self.size = answer, max(1, size)
        self.reader = SheetReader(strings, self.row, self.dimension)
        self.reader.wanted = layout.id_column
        self.rows: list[Row] = []
        self.written = 0

    def run(self) -> None:
        reader, read = self.reader, 0
        while block := self.source.read(BLOCK):
            read += len(block)
            reader.feed(block)
            if len(self.rows) >= ROWS:
                self.flush(read / self.size)
            if not self.rows:
                self.copy(max(self.written, reader.safe))
                reader.forget(self.written)
        reader.feed(b"")
        self.flush(1.0)
        self.copy(reader.base + len(reader.buffer))

    def copy(self, upto: int) -> None:
        """What stands before a place and was not written yet, as it is."""
        self.target.write(self.reader.bytes(self.written, upto))
        self.written = upto

    def dimension(self, start: int, end: int, area: str) -> None:
        first, _, last = area.partition(":")
        if not area:
            return
        columns, row = columns_of(area), re.sub(r"[^0-9]", "", last or first)
        wide = f"{first}:{letters_of(max(columns[1], *self.layout.places))}{row}"
        self.copy(start)
        self.target.write(_RANGE.sub(wide.encode(), self.reader.bytes(start, end)))
        self.written = end

    def row(self, row: Row) -> None:
        if row.filled and row.number >= self.layout.heading:
            self.rows.append(row)

    def flush(self, done: float) -> None:
        heading = self.layout.heading
        texts = [_text_at(row, self.layout.id_column) for row in self.rows if row.number > heading]
        answers = iter(self.answer(texts, done))
        for row in self.rows:
            if row.number > heading:
                self.change(row, next(answers).cells(), "")
            else:
                self.title(row)
        self.rows = []

    def title(self, row: Row) -> None:
        """Titles look like that of the IDs; those that are there stay."""
        there = {cell.column: cell for cell in row.cells}
        style = there[self.layout.id_column].style
        names: list[str | None] = [
            None if place in there and there[place].filled else name
            for name, place in zip(ADDED, self.layout.places, strict=True)
        ]
        self.change(row, names, style, keep=True)

    def change(self, row: Row, values: Sequence[Any], style: str, *, keep: bool = False) -> None:
        """Puts the values at their places; with ``keep`` a blank one changes nothing."""
        self.copy(row.start)
        tag = _SPANS.sub(b"", self.reader.bytes(row.start, row.tag_end))
        self.target.write(tag)
        self.written = row.tag_end
        there = {cell.column: cell for cell in row.cells}
        for place, value in sorted(
            zip(self.layout.places, values, strict=True), key=lambda each: each[0]
        ):
            cell = there.get(place)
            if value is None and (keep or cell is None):
                continue
            behind = next((each.start for each in row.cells if each.column >= place), row.close)
            self.copy(behind)
            reference = f"{letters_of(place)}{row.number}"
            self.target.write(self.cell(reference, value, cell.style if cell else style))
            if cell:
                self.written = cell.end

    def cell(self, reference: str, value: Any, style: str) -> bytes:
        prefix = self.reader.prefix
        look = f' s="{style}"' if style.isdecimal() else ""
        start = f'<{prefix}c r="{reference}"{look}'
        if value is None:
            return f"{start}/>".encode()
        if isinstance(value, str):
            text = f"<{prefix}is><{prefix}t>{escape(harmless(value))}</{prefix}t></{prefix}is>"
            return f'{start} t="inlineStr">{text}</{prefix}c>'.encode()
        return f"{start}><{prefix}v>{value!r}</{prefix}v></{prefix}c>".encode()
