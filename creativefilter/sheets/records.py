"""Rows of all sheets of a table, each with its place and the cells of the chosen columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from creativefilter.sheets.document import Reading
from creativefilter.sheets.errors import row_sentence
from creativefilter.sheets.fields import Choice, Field
from creativefilter.sheets.types import Broken, Cell


class Place(NamedTuple):
    """Position of a row: number of the sheet (from 0), line in the sheet (from 1), sheet's name."""

    sheet_number: int
    line: int
    sheet: str

    def __str__(self) -> str:
        return f"{self.line} ({self.sheet})" if self.sheet else str(self.line)


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a table.

    ``cells``: those of the chosen columns; "" for a cell or optional column that is missing.
    ``problem``: why the row can't be read; then the other two are empty. ``row``: all cells.
    """

    place: Place
    cells: tuple[Cell, ...]
    problem: str = ""
    row: Sequence[Cell] = ()


def records(reading: Reading, *wanted: Choice, optional: Iterable[Field] = ()) -> Iterator[Record]:
    """Yield the rows of all sheets, with the wanted columns and then the optional ones.

    ``Place.sheet`` is set only if there are several sheets.

    Raises:
        SheetError: the columns of a sheet are refused by ``Heading.places`` (raised by the call
            itself), or the file is damaged (raised while iterating).
    """
    optional = tuple(optional)
    columns = [table.heading.places(*wanted, optional=optional) for table in reading.tables]
    return _records(reading, columns)


def _records(reading: Reading, columns: list[list[int | None]]) -> Iterator[Record]:
    several = len(reading.tables) > 1
    for number, (table, places) in enumerate(zip(reading.tables, columns, strict=True)):
        for line, cells in table.rows():
            place = Place(number, line, table.name if several else "")
            if isinstance(cells, Broken):
                yield Record(place, (), f"{row_sentence(cells.code)}.")
                continue
            width = len(cells)
            wanted = tuple("" if n is None or n >= width else cells[n] for n in places)
            yield Record(place, wanted, row=cells)
