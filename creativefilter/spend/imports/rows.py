"""Reader of spend tables: checks each row, and replaces its names by numbers.

The reference file of 386,693 rows has 18,239 advertisements, 160 brand lines and 54 months. Each
of these is checked once, when it first occurs, and looked up by its raw cells afterwards; only the
cost is parsed in every row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import chain, islice
from typing import TypeVar

from creativefilter.creatives import ids
from creativefilter.sheets import Broken, Cell, Field, Finding, Reading, Row, Table
from creativefilter.spend.imports.amounts import AmountError, AmountReader, marks_of
from creativefilter.spend.models import BadRow

Reason = BadRow.Reason
COLUMNS = (
    Field.ADVERTISEMENT_ID, Field.ADVERTISER, Field.BRAND, Field.MEDIA_TYPE, Field.COST,
    Field.YEAR, Field.MONTH,
)  # fmt: skip
CHUNK = 20_000
# Rows from which the number format of a file is detected.
SAMPLE = 2_000
FIRST_YEAR = 1990
# Media plans reach into the future; a later year is a typing error.
YEARS_AHEAD = 5
# Characters that are stored of a bad row's cell.
MAX_CELL = 1_000
_BROKEN = {
    "row_quote": Reason.QUOTE, "row_many_cells": Reason.MANY_CELLS,
    "row_long_cell": Reason.LONG_CELL, "row_encoding": Reason.ENCODING,
}  # fmt: skip

_LINE_BREAKS = re.compile(r"[\r\n]+")
_NUMBER = re.compile(r"(\d{1,4})(?:[.,]0+)?", re.ASCII)

# Number of the advertisement and of the brand line within the file, first day of the month as
# "YYYY-MM-DD", ten-thousandths of a rouble.
Good = tuple[int, int, str, int]
# Advertiser, brand, media type.
Names = tuple[str, str, str]
Name = TypeVar("Name", str, Names)


class RowError(ValueError):
    """A row can't be used; ``reason`` says why."""

    def __init__(self, reason: BadRow.Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that can't be used.

    Attributes:
        line: Line of the file or sheet, from 1.
        reason: Why the row can't be used.
        cells: Cells of the row, each cut to ``MAX_CELL`` characters.
        sheet: Name of the sheet; "" for CSV files.
    """

    line: int
    reason: BadRow.Reason
    cells: list[str]
    sheet: str = ""

    @property
    def place(self) -> str:
        """Line, with the name of the sheet in brackets if there is one."""
        return f"{self.line} ({self.sheet})" if self.sheet else str(self.line)


@dataclass(slots=True)
class Chunk:
    """Some rows of a file. ``done`` is the share of the file read so far, 0 to 1."""

    good: list[Good] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    done: float = 0.0


class RowReader:
    """Reader of all sheets of one file.

    ``advertisements`` and ``lines`` list the Advertisement IDs and brand lines read so far; good
    rows refer to them by their index.

    Raises:
        SheetError: A sheet lacks a column, has it twice, or has costs in another unit than roubles.
    """

    def __init__(self, reading: Reading) -> None:
        self.tables = reading.tables
        self._columns = [_required(table) for table in reading.tables]
        # Programs write semicolons between cells where the comma is the decimal mark.
        default = "," if reading.delimiter == ";" else "."
        self.amounts = AmountReader(marks_of(self._costs(), default=default))
        self.advertisements: list[str] = []
        self.lines: list[Names] = []
        self._changed = ids.Changed()
        # Numbers and months by the raw cells that they were read from.
        self._ids_by_cell: dict[Cell, int] = {}
        self._lines_by_cells: dict[tuple[Cell, ...], int] = {}
        self._months_by_cells: dict[tuple[Cell, ...], str] = {}
        self._numbers: dict[str | Names, int] = {}

    def findings(self) -> list[Finding]:
        """Return findings about the Advertisement IDs read so far."""
        return self._changed.findings()

    def _costs(self) -> Iterator[Cell]:
        """Yield the costs of the first ``SAMPLE`` rows."""
        left = SAMPLE
        for table, columns in zip(self.tables, self._columns, strict=True):
            for _line, row in islice(table.rows(), left):
                left -= 1
                if len(row) > columns[4]:
                    yield row[columns[4]]

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows of the file in their order, at most ``CHUNK`` at a time."""
        for number, (table, columns) in enumerate(zip(self.tables, self._columns, strict=True)):
            rows = table.rows()
            for first in rows:
                chunk = Chunk()
                self._read(chain((first,), islice(rows, CHUNK - 1)), table, columns, chunk)
                chunk.done = (number + table.done) / len(self.tables)
                yield chunk

    def _read(
        self, rows: Iterable[Row], table: Table, columns: Sequence[int], chunk: Chunk
    ) -> None:
        numbers, names, months = self._ids_by_cell, self._lines_by_cells, self._months_by_cells
        at, advertiser, brand, media_type, cost, year, month = columns
        units = self.amounts.units
        width, most = table.heading.width, len(table.heading.titles)
        good = chunk.good.append
        for line, row in rows:
            if width <= len(row) <= most:
                try:
                    good(
                        (
                            numbers[row[at]],
                            names[row[advertiser], row[brand], row[media_type]],
                            months[row[year], row[month]],
                            units(row[cost]),
                        )
                    )
                    continue
                except (KeyError, AmountError):
                    pass
            self._check(line, row, table, columns, chunk)

    def _check(
        self, line: int, row: Sequence[Cell], table: Table, columns: Sequence[int], chunk: Chunk
    ) -> None:
        """Check a row that has a new name or an error, and add it to the chunk."""
        try:
            if isinstance(row, Broken):
                raise RowError(_BROKEN[row.code])
            if len(row) < table.heading.width:
                raise RowError(Reason.FEW_CELLS)
            id_cell, *name_cells, cost, year, month = (row[n] for n in columns)
            advertisement = _advertisement(id_cell)
            names = _names(*(_on_one_line(str(name)) for name in name_cells))
            when = _month(year, month)
            units = self.amounts.units(cost)
        except (RowError, AmountError) as error:
            cells = [_stored_text(cell) for cell in row]
            chunk.bad.append(Bad(line, error.reason, cells, table.name))
            return
        # Names get a number only here, so that bad rows add none.
        ad = self._number(self._changed.note(advertisement), self.advertisements)
        place = self._number(names, self.lines)
        self._ids_by_cell[id_cell] = ad
        self._lines_by_cells[tuple(name_cells)] = place
        self._months_by_cells[year, month] = when
        chunk.good.append((ad, place, when, units))

    def _number(self, name: Name, names: list[Name]) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(names)
            names.append(name)
        return number


def _required(table: Table) -> list[int]:
    return [place for place in table.heading.places(*COLUMNS) if place is not None]


def _advertisement(cell: Cell) -> ids.AdvertisementId:
    try:
        return ids.read(cell)
    except ids.IdError as error:
        blank = error.code == "id_blank"
        raise RowError(Reason.NO_ID if blank else Reason.BAD_ID) from error


def _on_one_line(name: str) -> str:
    """Return a name without the line breaks that Alt+Enter inserts in a cell of a spreadsheet."""
    return " ".join(filter(None, map(str.strip, _LINE_BREAKS.split(name))))


# Cached: a brand line recurs with each of its advertisements, a month with all of them.
@lru_cache(maxsize=4096)
def _names(advertiser: str, brand: str, media_type: str) -> Names:
    names = (advertiser, brand, media_type)
    for name, limit in zip(names, (255, 255, 64), strict=True):
        if len(name) > limit or any(unicodedata.category(sign) == "Cc" for sign in name):
            raise RowError(Reason.BAD_NAME)
    return names


@lru_cache(maxsize=1024)
def _month(year: Cell, month: Cell) -> str:
    y, m = _number(year), _number(month)
    if y is None or not FIRST_YEAR <= y <= date.today().year + YEARS_AHEAD:  # noqa: DTZ011
        raise RowError(Reason.BAD_YEAR)
    if m is None or not 1 <= m <= 12:
        raise RowError(Reason.BAD_MONTH)
    return f"{y:04}-{m:02}-01"


def _stored_text(cell: Cell) -> str:
    # PostgreSQL stores no NUL in text.
    return str(cell)[:MAX_CELL].replace("\0", "�")


def _number(cell: Cell) -> int | None:
    match = _NUMBER.fullmatch(str(cell).strip())
    return int(match[1]) if match else None
