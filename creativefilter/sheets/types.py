"""Cells, rows and tables, the same for every file format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from creativefilter.sheets.errors import Finding
from creativefilter.sheets.fields import Heading

# Text, or a float for a workbook's number that is not whole, or that has more than the 15 digits
# that spreadsheets keep (its last digits are lost). Whole numbers, dates ("2024-01-31") and
# booleans ("TRUE") are text.
Cell = str | float
# The number of the row's first line in the file (from 1), and the row's cells.
Row = tuple[int, Sequence[Cell]]


class Broken(list[Cell]):
    """A row that can't be used: its cells as far as they could be read, and the reason.

    ``code`` is a key of ``errors.ROW_SENTENCES``. There is at least one cell.
    """

    def __init__(self, cells: Sequence[Cell], code: str) -> None:
        super().__init__(cells)
        self.code = code


class Table(Protocol):
    """The rows below one heading: a sheet of a workbook, or a CSV file (``name`` is "")."""

    name: str
    heading: Heading

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the heading, without blank rows and repeated headings.

        A row of a CSV file may have fewer cells than the heading; it has no more, unless it is
        ``Broken``. A row of a workbook has exactly as many cells as the heading.

        Raises:
            SheetError: the file is damaged.
        """
        ...

    @property
    def done(self) -> float:
        """The share of the table that has been read, 0 to 1."""
        ...

    def findings(self) -> list[Finding]:
        """Return the findings about the rows that have been read so far."""
        ...
