"""Workbooks as tables: one table for each visible sheet that has a heading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol
from zipfile import ZipFile

from creativefilter.sheets import limits
from creativefilter.sheets.containers import guarded
from creativefilter.sheets.errors import Finding, SheetError
from creativefilter.sheets.fields import Field, Heading, clean_title, field_of
from creativefilter.sheets.tally import Tally
from creativefilter.sheets.types import Cell, Row
from creativefilter.sheets.xlsx_cells import CellReader
from creativefilter.sheets.xlsx_package import Workbook
from creativefilter.sheets.xlsx_stream import SheetStream, row_number


class Sheet(Protocol):
    """A sheet of a workbook in any format."""

    name: str
    visible: bool

    def rows(self, width: int, tally: Tally) -> Iterator[Row]:
        """Yield all rows with their numbers (from 1), also those above the heading.

        Args:
            width: number of columns to return; further columns are left out.
            tally: counts the findings.

        Raises:
            SheetError: the sheet is damaged or too large.
        """
        ...

    @property
    def done(self) -> float:
        """The share of the sheet that has been read, 0 to 1."""
        ...


class XlsxSheet:
    """Sheet ``number`` (from 0) of an XLSX workbook (see ``Sheet``)."""

    def __init__(self, archive: ZipFile, book: Workbook, number: int) -> None:
        self._archive, self.book, self.number = archive, book, number
        self.name, self.visible = book.sheets[number].name, book.sheets[number].visible
        self.size = max(1, archive.getinfo(book.sheets[number].part).file_size)
        # Ranges of merged cells; filled when all rows have been read.
        self.merged: list[str] = []
        self._read = 0

    @property
    def done(self) -> float:
        return min(1.0, self._read / self.size)

    def rows(self, width: int, tally: Tally) -> Iterator[Row]:
        for number, cells, _row, _prefix in self.raw_rows(width, tally):
            yield number, cells

    def raw_rows(
        self, width: int, tally: Tally
    ) -> Iterator[tuple[int, Sequence[Cell], bytes, str]]:
        """Yield the number, the cells, the XML and the namespace prefix ("" or "x:") of each row.

        Raises:
            SheetError: the sheet is damaged or has too many rows.
        """
        reader = CellReader(self.book)
        reader.width = width
        number = count = 0
        with self._archive.open(self.book.sheets[self.number].part) as file:
            stream = SheetStream(file)
            for _before, row in stream.pieces():
                if not row:
                    continue
                count += 1
                if count > limits.MAX_ROWS:
                    raise SheetError("table_damaged")
                number = row_number(row) or number + 1
                self._read = stream.read
                yield number, reader.cells(row, stream.prefix), row, stream.prefix
        self.merged = stream.merged
        tally.add_unsaved_formulas(reader.unsaved)


class SheetTable:
    """The rows of a sheet below its heading."""

    def __init__(self, sheet: Sheet, heading: Heading) -> None:
        self.sheet, self.heading, self.name = sheet, heading, sheet.name
        ids = heading.fields.get(Field.ADVERTISEMENT_ID, [])
        self._id = ids[0] if ids else None
        self.tally = Tally()

    @property
    def done(self) -> float:
        return self.sheet.done

    def findings(self) -> list[Finding]:
        return self.tally.findings(self.name)

    def rows(self) -> Iterator[Row]:
        self.tally.clear()
        for number, cells in guarded(self.sheet.rows(self.heading.width, self.tally)):
            if (row := self.row(number, cells)) is not None:
                yield number, row

    def row(self, number: int, cells: Sequence[Cell]) -> Sequence[Cell] | None:
        """Return the cells of a row of the table, as many as the heading has.

        None if the row is blank, repeats the heading, or is not below the heading.
        """
        if number <= self.heading.line or not any(cells):
            return None
        missing = self.heading.width - len(cells)
        row = [*cells, *[""] * missing] if missing else cells
        cell = row[self._id] if self._id is not None else ""
        # Fast path for nearly every row: an ID that is a number, or text that begins with a digit.
        if not isinstance(cell, str) or "0" <= cell[:1] < ":":
            return row
        if field_of(clean_title(cell)) == Field.ADVERTISEMENT_ID:
            self.tally.add_heading(number)
            return None
        return row if any(map(is_filled, row)) else None

    def key(self, cells: Sequence[Cell]) -> Cell:
        """Return the cell of the Advertisement ID; "" if the table has no such column."""
        return "" if self._id is None else cells[self._id]


def is_filled(cell: Cell) -> bool:
    return not isinstance(cell, str) or bool(cell.strip())


def headings(sheet: Sheet) -> list[Heading]:
    """Return the readings of a sheet's heading; [] if it has none (see ``with_ids``).

    Raises:
        SheetError: the sheet is damaged or too large.
    """
    found: list[Heading] = []
    rows = sheet.rows(limits.MAX_COLUMNS, Tally())
    for number, cells in rows:
        if not any(map(is_filled, cells)):
            continue
        titles = tuple(clean_title(cell) for cell in cells)
        found.append(Heading(titles, number, sheet=sheet.name))
        if Field.ADVERTISEMENT_ID in found[-1].fields or len(found) >= limits.HEADING_ROWS:
            break
    chosen = next((n for n, h in enumerate(found) if Field.ADVERTISEMENT_ID in h.fields), None)
    if chosen is None:
        chosen = next((n for n, h in enumerate(found) if h.is_usable()), None)
    return [] if chosen is None else with_ids(found, chosen)


def with_ids(rows: Sequence[Heading], chosen: int) -> list[Heading]:
    """Return ``rows[chosen]`` as headings: one for each ID column, at most ``MAX_READINGS``.

    A table with no or one ID column has a single reading.
    """
    heading = rows[chosen]
    above = tuple(" ".join(filter(None, row.titles)) for row in rows[:chosen])
    places = heading.fields.get(Field.ADVERTISEMENT_ID, [])
    return [
        Heading(heading.titles, heading.line, above, place, heading.sheet)
        for place in (places[: limits.MAX_READINGS] if len(places) > 1 else [None])
    ]
