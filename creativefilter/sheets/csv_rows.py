"""Splitting of CSV text into rows, where an unclosed quotation mark spoils only its own line.

After an unclosed quotation mark the csv module takes everything up to the next quotation mark, or
to the end of the file, for one cell. So its result for a batch of lines is accepted only if each
record is one line. Otherwise the records are read one by one, and a record of several lines is
accepted only if it looks like a row of this table.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from creativefilter.sheets import limits
from creativefilter.sheets.types import Broken, Cell

# Characters that are split at a time; small enough to stay in the processor's caches.
BATCH = 1 << 14

# The lines of a record as they are in the file, and the record's cells ([] for a blank line).
Record = tuple[list[str], Sequence[Cell]]


class Lines:
    """Lines of a text, in batches. Lines that were read too far can be put back."""

    def __init__(self, read: Callable[[int], list[str]]) -> None:
        """Take a function that returns the next lines of about n characters; [] at the end."""
        self._read = read
        self._back: deque[str] = deque()

    def batch(self) -> list[str]:
        """Return the next lines; [] at the end."""
        if self._back:
            lines = list(self._back)
            self._back.clear()
            return lines
        return self._read(BATCH)

    def next(self) -> str:
        """Return the next line; "" at the end."""
        if not self._back:
            self._back.extend(self._read(BATCH))
        return self._back.popleft() if self._back else ""

    def put_back(self, lines: Sequence[str]) -> None:
        self._back.extendleft(reversed(lines))


def split(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """Return the rows of these lines if each line is one row; else None."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows if len(rows) == len(lines) else None


def record(
    lines: Lines,
    delimiter: str,
    is_row: Callable[[list[str], list[str]], bool],
    decode: Callable[[str], str] = str,
) -> Record | None:
    """Return the next record; None at the end.

    Args:
        lines: the lines of the text.
        delimiter: one character.
        is_row: takes the cells and the lines of a record of several lines, and returns whether
            this is one row. If not, the first line has an unclosed quotation mark, and the other
            lines are read again as records of their own.
        decode: takes a line and returns the text to parse.
    """
    first = lines.next()
    if not first:
        return None
    taken = [first]

    def feed() -> Iterator[str]:
        yield decode(first)
        size = len(first)
        while len(taken) < limits.MAX_CELL_LINES and size <= limits.MAX_LINE:
            line = lines.next()
            if not line:
                return
            taken.append(line)
            size += len(line)
            yield decode(line)

    try:
        cells = next(csv.reader(feed(), delimiter=delimiter, strict=True), [])
    except csv.Error:
        lines.put_back(taken[1:])
        return [first], _one_line(decode(first), delimiter)
    if len(taken) > 1 and not is_row(cells, taken):
        lines.put_back(taken[1:])
        return [first], Broken([decode(first).rstrip("\r\n")], "row_quote")
    return taken, cells


def _one_line(line: str, delimiter: str) -> Sequence[Cell]:
    """Parse a line that the strict csv reader refuses.

    The line has a quotation mark within a cell, an unclosed one, or a cell that is too long.
    """
    text = line.rstrip("\r\n")
    # If the last quotation mark is not closed, the line end becomes a part of the last cell.
    try:
        cells = next(csv.reader([text + "\n"], delimiter=delimiter), [])
    except csv.Error:
        return Broken([text], "row_long_cell")
    if text.count('"') % 2 or (cells and cells[-1].endswith("\n")):
        return Broken([text], "row_quote")
    return cells
