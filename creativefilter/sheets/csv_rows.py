"""Rows of a CSV text: a quotation mark that is not closed costs its own line only.

The csv module takes everything up to the next quotation mark, or to the end of the file, for one
cell. Where all records of some lines have one line each it is believed; where one has more,
records are read one by one and believed only if they have the form of a row.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from creativefilter.sheets import limits
from creativefilter.sheets.types import Broken, Cell

# Characters that are split at a time: few enough for the caches of a processor.
BATCH = 1 << 14

# Lines, then rows: a row of the file with all its lines, and its cells ([] for a blank line).
Record = tuple[list[str], Sequence[Cell]]


class Lines:
    """Lines of a text, some at a time. What was read too far is put back."""

    def __init__(self, read: Callable[[int], list[str]]) -> None:
        """``read`` gives lines of about so many characters together, [] after the last."""
        self._read = read
        self._back: deque[str] = deque()

    def some(self) -> list[str]:
        if self._back:
            lines = list(self._back)
            self._back.clear()
            return lines
        return self._read(BATCH)

    def next(self) -> str:
        """A line; "" after the last one."""
        if not self._back:
            self._back.extend(self._read(BATCH))
        return self._back.popleft() if self._back else ""

    def put_back(self, lines: Sequence[str]) -> None:
        self._back.extendleft(reversed(lines))


def split(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """The rows of these lines if each line is one; else None."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows if len(rows) == len(lines) else None


def record(
    lines: Lines,
    delimiter: str,
    is_row: Callable[[list[str], list[str]], bool],
    mended: Callable[[str], str] = str,
) -> Record | None:
    """The next record; None after the last one.

    ``is_row(cells, lines)`` judges a record of several lines: one that it refuses is a line whose
    quotation mark is not closed, and the lines behind it. ``mended`` is asked for what is to be
    read of a line.
    """
    first = lines.next()
    if not first:
        return None
    taken = [first]

    def feed() -> Iterator[str]:
        yield mended(first)
        size = len(first)
        while len(taken) < limits.MAX_CELL_LINES and size <= limits.MAX_LINE:
            line = lines.next()
            if not line:
                return
            taken.append(line)
            size += len(line)
            yield mended(line)

    try:
        cells = next(csv.reader(feed(), delimiter=delimiter, strict=True), [])
    except csv.Error:
        lines.put_back(taken[1:])
        return [first], _one_line(mended(first), delimiter)
    if len(taken) > 1 and not is_row(cells, taken):
        lines.put_back(taken[1:])
        return [first], Broken([mended(first).rstrip("\r\n")], "row_quote")
    return taken, cells


def _one_line(line: str, delimiter: str) -> Sequence[Cell]:
    """A line that strict rules refuse: a mark within a cell, none at its end, or a huge cell."""
    text = line.rstrip("\r\n")
    # An end of line shows whether the last quotation mark is closed.
    try:
        cells = next(csv.reader([text + "\n"], delimiter=delimiter), [])
    except csv.Error:
        return Broken([text], "row_long_cell")
    if text.count('"') % 2 or (cells and cells[-1].endswith("\n")):
        return Broken([text], "row_quote")
    return cells
