"""Rows of a table checked and made small: numbers for names, or the reason why a row is bad.

A file of 386,693 rows holds 18,239 advertisements, 160 lines and 54 months. Each of them is
checked once, when it is first seen, and found by its raw cells afterwards; only the cost is read
in every row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import chain, islice
from typing import Any, TypeVar

from creativefilter.creatives.labels.imports import CellError
from creativefilter.creatives.labels.imports import advertisement_id as advertisement_id_in
from creativefilter.spend.imports.reading.amounts import AmountError, AmountReader, marks_of
from creativefilter.spend.imports.reading.tables import COLUMNS, Broken, Table, positions
from creativefilter.spend.models import BadRow

Reason = BadRow.Reason
CHUNK = 20_000
# So many rows tell how the file writes its numbers.
SAMPLE = 2_000
FIRST_YEAR = 1990
# Media plans look ahead; what lies farther is a slip of the finger.
YEARS_AHEAD = 5
# What is kept of a bad row's cell.
MAX_CELL = 1_000

_NUMBER = re.compile(r"(\d{1,4})(?:[.,]0+)?", re.ASCII)

# Numbers of the advertisement and the line within the file, first of the month, ten-thousandths.
Good = tuple[int, int, str, int]
# Advertiser, brand, media type.
Names = tuple[str, str, str]
Name = TypeVar("Name", str, Names)


class RowError(ValueError):
    def __init__(self, reason: BadRow.Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that can't be used. ``cells`` are those of the file, cut."""

    line: int
    reason: BadRow.Reason
    cells: list[str]


@dataclass(slots=True)
class Chunk:
    """Some rows of a file; ``done`` is the share of the file that was read with them."""

    good: list[Good] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    done: float = 0.0


class RowReader:
    """Reads one table. ``advertisements`` and ``lines`` grow: place in the list is the number."""

    def __init__(self, table: Table) -> None:
        self.table = table
        at = positions(table.header)
        self._id, advertiser, brand, media_type, self._cost, year, month = (
            at[name] for name in COLUMNS
        )
        self._names, self._when = (advertiser, brand, media_type), (year, month)
        self._rows = table.rows()
        self._sample = list(islice(_numbered(self._rows, table), SAMPLE))
        costs = [row[self._cost] for _, row in self._sample if len(row) > self._cost]
        # An office that separates by semicolons does so because the comma is its decimal mark.
        default = "," if table.delimiter == ";" else "."
        self.amounts = AmountReader(marks_of(costs, default=default))
        self.advertisements: list[str] = []
        self.lines: list[Names] = []
        # The same by what stands in the cells.
        self._seen_ids: dict[Any, int] = {}
        self._seen_names: dict[tuple[Any, ...], int] = {}
        self._seen_months: dict[tuple[Any, ...], str] = {}
        self._numbers: dict[str | Names, int] = {}

    def chunks(self) -> Iterator[Chunk]:
        """All rows, about ``CHUNK`` at a time, good and bad ones in the order of the file."""
        numbered = chain(self._sample, _numbered(self._rows, self.table))
        for first in numbered:
            chunk = self._chunk(chain((first,), islice(numbered, CHUNK - 1)))
            chunk.done = self.table.done
            yield chunk

    def _chunk(self, rows: Iterable[tuple[int, Sequence[Any]]]) -> Chunk:
        chunk = Chunk()
        ids, names, months = self._seen_ids, self._seen_names, self._seen_months
        at, cost, units = self._id, self._cost, self.amounts.units
        advertiser, brand, media_type = self._names
        year, month = self._when
        width = len(self.table.header)
        good = chunk.good.append
        for line, row in rows:
            if len(row) == width:
                try:
                    good(
                        (
                            ids[row[at]],
                            names[row[advertiser], row[brand], row[media_type]],
                            months[row[year], row[month]],
                            units(row[cost]),
                        )
                    )
                    continue
                except (KeyError, AmountError):
                    pass
            self._with_care(line, row, chunk)
        return chunk

    def _with_care(self, line: int, row: Sequence[Any], chunk: Chunk) -> None:
        """A row with something new in it, or something wrong."""
        row = list(row) if not isinstance(row, Broken) else row
        try:
            self._check_width(row)
            advertisement = _advertisement(row[self._id])
            names = _names(*(str(row[i]).strip() for i in self._names))
            month = _month(*(row[i] for i in self._when))
            units = self.amounts.units(row[self._cost])
        except (RowError, AmountError) as error:
            if any(str(cell).strip() for cell in row):
                reason = Reason.HEADING if self._is_heading(row) else error.reason
                chunk.bad.append(Bad(line, reason, [_kept(cell) for cell in row]))
            return
        # Only names of good rows get numbers.
        ad = self._number(advertisement, self.advertisements)
        place = self._number(names, self.lines)
        self._seen_ids[row[self._id]] = ad
        self._seen_names[tuple(row[i] for i in self._names)] = place
        self._seen_months[tuple(row[i] for i in self._when)] = month
        chunk.good.append((ad, place, month, units))

    def _number(self, name: Name, names: list[Name]) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(names)
            names.append(name)
        return number

    def _check_width(self, row: list[Any]) -> None:
        if isinstance(row, Broken):
            raise RowError(Reason.QUOTE)
        width = len(self.table.header)
        while len(row) > width and not row[-1].strip():
            row.pop()
        if len(row) != width:
            raise RowError(Reason.FEW_CELLS if len(row) < width else Reason.MANY_CELLS)

    def _is_heading(self, row: Sequence[Any]) -> bool:
        return [str(cell).strip() for cell in row] == self.table.header


def _advertisement(cell: Any) -> str:
    text = str(cell).strip()
    try:
        return advertisement_id_in(text)
    except CellError as error:
        raise RowError(Reason.BAD_ID if text else Reason.NO_ID) from error


# The names of a line come again with each of its advertisements, a month with all of them.
@lru_cache(maxsize=4096)
def _names(advertiser: str, brand: str, media_type: str) -> Names:
    names = (advertiser, brand, media_type)
    for name, limit in zip(names, (255, 255, 64), strict=True):
        if len(name) > limit or any(unicodedata.category(sign) == "Cc" for sign in name):
            raise RowError(Reason.BAD_NAME)
    return names


@lru_cache(maxsize=1024)
def _month(year: Any, month: Any) -> str:
    y, m = _number(year), _number(month)
    if y is None or not FIRST_YEAR <= y <= date.today().year + YEARS_AHEAD:  # noqa: DTZ011
        raise RowError(Reason.BAD_YEAR)
    if m is None or not 1 <= m <= 12:
        raise RowError(Reason.BAD_MONTH)
    return f"{y:04}-{m:02}-01"


def _numbered(rows: Iterator[Sequence[Any]], table: Table) -> Iterator[tuple[int, Sequence[Any]]]:
    return ((table.line, row) for row in rows)


def _kept(cell: Any) -> str:
    # No database keeps a NUL in a text.
    return str(cell)[:MAX_CELL].replace("\0", "�")


def _number(cell: Any) -> int | None:
    match = _NUMBER.fullmatch(str(cell).strip())
    return int(match[1]) if match else None
