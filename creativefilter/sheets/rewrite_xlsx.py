"""Filling in of XLSX tables: cells of the sheets are added or replaced, all else is copied.

Charts, pivot tables, pictures, styles and other sheets stay unchanged, byte for byte.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from creativefilter.sheets import limits
from creativefilter.sheets.containers import guarded, opened_zip, translated
from creativefilter.sheets.errors import SheetError
from creativefilter.sheets.escape import printable
from creativefilter.sheets.fields import Field, Heading
from creativefilter.sheets.rewrite_csv import places_of
from creativefilter.sheets.types import Table
from creativefilter.sheets.workbook_tables import SheetTable, XlsxSheet
from creativefilter.sheets.xlsx_cells import CellReader
from creativefilter.sheets.xlsx_package import TYPES, Workbook, read_workbook
from creativefilter.sheets.xlsx_places import Located, columns_of, letters_of, locate
from creativefilter.sheets.xlsx_stream import SheetStream, row_number

# Rows of one call of ``answer``.
ROWS = 1_000
_TITLES = "titles"
_FIRST_YEAR = 1980  # the earliest year that a ZIP archive can store
_SPANS = re.compile(rb"\sspans\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_EMPTY_TAG = re.compile(rb"<[^<>]*/>")
_DIMENSION = re.compile(rb"(<(?:[\w.-]+:)?dimension\s[^<>]*?\bref=[\"'])([A-Z0-9:$]+)")

Answer = Callable[[list[Any], float], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """Positions of the new columns in a sheet.

    ``number`` is the sheet's number in the workbook, from 0; ``places`` are column indexes.
    ``chain``: formulas will be replaced, so the workbook's list of formulas (calcChain) must go.
    """

    number: int
    heading: Heading
    places: tuple[int, ...]
    chain: bool

    @classmethod
    def of(cls, stored: dict[str, Any]) -> SheetPlan:
        places, heading = tuple(stored["places"]), Heading.of(stored["heading"])
        return cls(**{**stored, "places": places, "heading": heading})

    @property
    def id_place(self) -> int:
        return self.heading.fields[Field.ADVERTISEMENT_ID][0]


def plan(
    tables: Sequence[Table], titles: Sequence[str], report_keys: Callable[[list[Any], float], None]
) -> tuple[SheetPlan, ...]:
    """Read the sheets once and find the positions of the new columns.

    Args:
        tables: sheets of one workbook.
        titles: titles of the new columns.
        report_keys: called with the keys of each batch of rows and the share that has been read.

    Raises:
        SheetError: the workbook has macros, is damaged, has too many rows or cells or no room for
            the columns, or a new cell would replace a part of an array formula.
    """
    counts = _Counts()
    plans = []
    for table in tables:
        assert isinstance(table, SheetTable)  # noqa: S101
        assert isinstance(table.sheet, XlsxSheet)  # noqa: S101 (the kind of workbook says so)
        if table.sheet.book.has_macros:
            raise SheetError("table_macros")
        plans.append(_SheetPlanner(table, table.sheet, titles, counts).read(report_keys))
    return tuple(plans)


@dataclass(slots=True)
class _Counts:
    """Numbers of rows and cells, all sheets together."""

    rows: int = 0
    cells: int = 0

    def add(self, cells: int) -> None:
        self.rows += 1
        self.cells += cells
        if self.rows > limits.MAX_FILLED_ROWS or self.cells > limits.MAX_FILLED_CELLS:
            raise SheetError("table_too_long")


class _SheetPlanner:
    """Reads one sheet and plans its new columns."""

    def __init__(
        self, table: SheetTable, sheet: XlsxSheet, titles: Sequence[str], counts: _Counts
    ) -> None:
        self.table, self.sheet, self.titles, self.counts = table, sheet, titles, counts
        existing = table.heading.titles
        self.replaced_columns = {existing.index(title) for title in titles if title in existing}
        self.width = 0
        self.chain = False

    def read(self, report_keys: Callable[[list[Any], float], None]) -> SheetPlan:
        keys: list[Any] = []
        width, tally = self.table.heading.width, self.table.tally
        for number, cells, row, prefix in guarded(self.sheet.raw_rows(width, tally)):
            located = locate(row, prefix)
            filled = [cell.column for cell in located if cell.filled]
            if not filled:
                continue
            self.width = max(self.width, filled[-1] + 1)
            table_row = self.table.row(number, cells)
            if table_row is None:
                continue
            self.counts.add(len(filled))
            self._check_formulas(located)
            keys.append(self.table.key(table_row))
            if len(keys) >= ROWS:
                report_keys(keys, self.sheet.done)
                keys = []
        report_keys(keys, 1.0)
        merged = [columns_of(area)[1] + 1 for area in self.sheet.merged]
        places = places_of(self.table.heading.titles, self.titles, max([self.width, *merged]))
        if max(places) >= limits.MAX_COLUMNS:
            raise SheetError("table_too_wide")
        return SheetPlan(self.sheet.number, self.table.heading, places, self.chain)

    def _check_formulas(self, located: Sequence[Located]) -> None:
        for cell in located:
            if cell.formula is None:
                continue
            first, last = columns_of(cell.formula) if cell.formula else (cell.column, cell.column)
            touched = self.replaced_columns.intersection(range(first, last + 1))
            if touched and first != last:
                raise SheetError("table_formula_block")
            self.chain = self.chain or bool(touched)


def write(
    file: IO[bytes],
    titles: Sequence[str],
    plans: Sequence[SheetPlan],
    target: IO[bytes],
    answer: Answer,
) -> None:
    """Write the workbook with its new cells, in batches of ``ROWS`` rows.

    Args:
        file: the workbook.
        titles: titles of the new columns.
        plans: what ``plan`` returned.
        target: receives the workbook.
        answer: takes the keys of a batch and the share that has been read; returns the new cells
            of each row.
    """
    with ExitStack() as stack:
        with translated():
            archive = stack.enter_context(opened_zip(file))
            book = read_workbook(archive)
        changes: dict[str, Any] = {
            book.sheets[each.number].part: _SheetWriter(archive, book, each, titles, answer).run
            for each in plans
        }
        chain = book.chain if any(each.chain for each in plans) else None
        if chain:
            changes |= dict.fromkeys((TYPES, book.relations), _without_calc_chain(chain))
        _copy(archive, target, changes, chain)


class _SheetWriter:
    """Copies one sheet to the new archive with its new cells."""

    def __init__(
        self,
        archive: ZipFile,
        book: Workbook,
        plan: SheetPlan,
        titles: Sequence[str],
        answer: Answer,
    ) -> None:
        self.plan, self.titles, self.answer = plan, titles, answer
        self.sheet = XlsxSheet(archive, book, plan.number)
        self.table = SheetTable(self.sheet, plan.heading)
        self.reader = CellReader(book)
        self.reader.width = plan.heading.width
        self.prefix = ""

    def run(self, source: IO[bytes], target: IO[bytes]) -> None:
        stream = SheetStream(source)
        # Bytes before a row, the row, its number, and its key.
        pending: list[tuple[bytes, bytes, int, Any]] = []
        number = 0
        for before, row in guarded(stream.pieces()):
            self.prefix = stream.prefix
            key = None
            if row:
                number = row_number(row) or number + 1
                key = self._key(number, row)
            elif not number:
                before = _DIMENSION.sub(self._dimension, before)
            pending.append((before, row, number, key))
            if len(pending) >= ROWS:
                self._flush(pending, target, min(1.0, stream.read / self.sheet.size))
                pending = []
        self._flush(pending, target, 1.0)

    def _key(self, number: int, row: bytes) -> Any:
        """Return the row's key in a list; ``_TITLES`` for a heading, None for rows to copy."""
        if number < self.plan.heading.line:
            return None
        if number == self.plan.heading.line:
            return _TITLES
        headings_before = self.table.tally.heading_count
        cells = self.table.row(number, self.reader.cells(row, self.prefix))
        if cells is None:
            return _TITLES if self.table.tally.heading_count > headings_before else None
        return [self.table.key(cells)]

    def _flush(
        self, pending: Sequence[tuple[bytes, bytes, int, Any]], target: IO[bytes], done: float
    ) -> None:
        keys = [key[0] for *_, key in pending if isinstance(key, list)]
        answers = iter(self.answer(keys, done))
        for before, row, number, key in pending:
            target.write(before)
            if key is None:
                target.write(row)
            elif key is _TITLES:
                target.write(self._with_titles(row, number))
            else:
                target.write(self._filled_row(row, number, next(answers), ""))

    def _dimension(self, match: re.Match[bytes]) -> bytes:
        area = match[2].decode()
        first, _, last = area.partition(":")
        row = re.sub(r"[^0-9]", "", last or first)
        column = max(columns_of(area)[1], *self.plan.places)
        return match[1] + f"{first}:{letters_of(column)}{row}".encode()

    def _with_titles(self, row: bytes, number: int) -> bytes:
        """Return a heading with the new titles, styled like the ID title; existing titles stay."""
        existing = {cell.column: cell for cell in locate(row, self.prefix)}
        style = existing[self.plan.id_place].style if self.plan.id_place in existing else ""
        names = [
            None if place in existing and existing[place].filled else name
            for name, place in zip(self.titles, self.plan.places, strict=True)
        ]
        return self._filled_row(row, number, names, style, keep=True)

    def _filled_row(
        self, row: bytes, number: int, values: Sequence[Any], style: str, *, keep: bool = False
    ) -> bytes:
        """Return the row with the new values; with ``keep`` a value of None changes nothing."""
        cells = locate(row, self.prefix)
        existing = {cell.column: cell for cell in cells}
        tag_end = row.index(b">") + 1
        tag, close, end = row[:tag_end], row.rfind(b"</"), b""
        if tag.endswith(b"/>"):
            # A row without cells has no end tag yet.
            tag, close = tag[:-2] + b">", len(row)
            end = f"</{self.prefix}row>".encode()
        parts, written = [_SPANS.sub(b"", tag)], tag_end
        for place, value in sorted(
            zip(self.plan.places, values, strict=True), key=lambda each: each[0]
        ):
            cell = existing.get(place)
            if value is None and (keep or cell is None):
                continue
            position = next((each.start for each in cells if each.column >= place), close)
            parts.append(row[written:position])
            reference = f"{letters_of(place)}{number}"
            parts.append(self._cell(reference, value, cell.style if cell else style))
            written = cell.end if cell else position
        return b"".join([*parts, row[written:], end])

    def _cell(self, reference: str, value: Any, style: str) -> bytes:
        prefix = self.prefix
        style_attribute = f' s="{style}"' if style.isdecimal() else ""
        start = f'<{prefix}c r="{reference}"{style_attribute}'
        if value is None:
            return f"{start}/>".encode()
        if isinstance(value, str):
            # The type is text, so no program takes the value for a formula.
            text = f"<{prefix}is><{prefix}t>{escape(printable(value))}</{prefix}t></{prefix}is>"
            return f'{start} t="inlineStr">{text}</{prefix}c>'.encode()
        return f"{start}><{prefix}v>{value!r}</{prefix}v></{prefix}c>".encode()


def _copy(
    archive: ZipFile, target: IO[bytes], changes: Mapping[str, Any], skipped: str | None
) -> None:
    """Copy an archive.

    Args:
        archive: the archive to copy.
        target: receives the new archive.
        changes: for the name of a part, a function that gets the old and the new stream.
        skipped: a part to leave out.
    """
    with ZipFile(target, "w", ZIP_DEFLATED) as new:
        for member in archive.infolist():
            if member.filename == skipped:
                continue
            with translated():
                source = archive.open(member)
            with source, new.open(_member_info(member), "w") as stream:
                changes.get(member.filename, _copy_unchanged)(source, stream)


def _member_info(member: ZipInfo) -> ZipInfo:
    date = member.date_time if member.date_time[0] >= _FIRST_YEAR else (1980, 1, 1, 0, 0, 0)
    info = ZipInfo(member.filename, date)
    info.compress_type = ZIP_STORED if member.compress_type == ZIP_STORED else ZIP_DEFLATED
    info.external_attr = member.external_attr
    # By this estimate ``zipfile`` decides whether the member needs ZIP64 headers.
    info.file_size = 2 * member.file_size
    return info


def _copy_unchanged(source: IO[bytes], target: IO[bytes]) -> None:
    with translated():
        shutil.copyfileobj(source, target, 1 << 16)


def _without_calc_chain(chain: str) -> Callable[[IO[bytes], IO[bytes]], None]:
    """Return a function that copies a part without its reference to the list of formulas.

    Spreadsheet programs recompute the list.
    """
    name = chain.rpartition("/")[2].encode()

    def copied(source: IO[bytes], target: IO[bytes]) -> None:
        with translated():
            text = source.read(limits.MAX_SMALL_PART)
        target.write(_EMPTY_TAG.sub(lambda tag: b"" if name in tag[0] else tag[0], text))

    return copied
