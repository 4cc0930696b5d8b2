"""The rows of a table as its client wants them: chosen columns, in one order, from every sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from creativefilter.sheets.document import Reading
from creativefilter.sheets.errors import row_sentence
from creativefilter.sheets.fields import Choice, Field
from creativefilter.sheets.types import Broken, Cell


class Place(NamedTuple):
    """Where a row stands: the number of its sheet, the row's number in it, the sheet's name."""

    sheet_number: int
    line: int
    sheet: str

    def __str__(self) -> str:
        return f"{self.line} ({self.sheet})" if self.sheet else str(self.line)


@dataclass(frozen=True, slots=True)
class Record:
    """The wanted cells of a row; "" for those that it lacks.

    ``problem`` says why it can't be read; ``row`` are all of its cells.
    """

    place: Place
    cells: tuple[Cell, ...]
    problem: str = ""
    row: Sequence[Cell] = ()


def records(reading: Reading, *wanted: Choice, optional: Iterable[Field] = ()) -> Iterator[Record]:
    """The rows of all sheets with these columns, then the optional ones.

    Raises ``SheetError``, at once if a sheet lacks a wanted column. Sheets are named in places
    where there are several.
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
