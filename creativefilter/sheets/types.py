"""What a table is made of, whatever file it came in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from creativefilter.sheets.errors import Finding
from creativefilter.sheets.fields import Heading

# Text; or a number of a workbook that is no whole one, or has more digits than spreadsheets keep
# (15): its last digits are lost. Whole numbers, dates ("2024-01-31") and truth values are text.
Cell = str | float
# The number of the row's first line in the file, from 1, and its cells.
Row = tuple[int, Sequence[Cell]]


class Broken(list[Cell]):
    """A row that can't be used. One cell or more: what stands in the file; ``code`` says why."""

    def __init__(self, cells: Sequence[Cell], code: str) -> None:
        super().__init__(cells)
        self.code = code


class Table(Protocol):
    """The rows under one heading: a sheet of a workbook, or a CSV file (``name`` is "")."""

    name: str
    heading: Heading

    def rows(self) -> Iterator[Row]:
        """Rows below the heading; without blank ones and repeated headings.

        In CSV files a row may have fewer cells than the heading, never more that are not blank;
        those of a workbook have as many. Raises ``SheetError``.
        """
        ...

    @property
    def done(self) -> float:
        """The share of the rows that were read, 0 to 1."""
        ...

    def findings(self) -> list[Finding]:
        """What was found in the rows that were read."""
        ...
