"""CSV tables filled in: a row is cut and lengthened where it stands.

Its quoting, its line end and bytes that no encoding knows stay as they came. Memory does not grow
with the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import IO, Any

from creativefilter.sheets.csv_table import CsvTable, Form, Record, errors_of
from creativefilter.sheets.escape import harmless
from creativefilter.sheets.types import Cell

# Rows that are answered at once.
ROWS = 2_000


def plan(
    table: CsvTable, titles: Sequence[str], seen: Callable[[list[Any], float], None]
) -> tuple[int, tuple[int, ...]]:
    """How many cells the longest row has, and where the columns go."""
    rows = table.rows()
    while some := list(islice(rows, ROWS)):
        seen([table.key(cells) for _line, cells in some], table.done)
    width = table.widest
    return width, places_of(table.heading.titles, titles, width)


def places_of(there: Sequence[str], titles: Sequence[str], width: int) -> tuple[int, ...]:
    """Where the columns go: over those of exactly these titles, the others behind ``width``."""
    found = {name: place for place, name in reversed(list(enumerate(there)))}
    behind = iter(range(width, width + len(titles)))
    return tuple(found[title] if title in found else next(behind) for title in titles)


def write(
    table: CsvTable,
    titles: Sequence[str],
    places: Sequence[int],
    width: int,
    target: IO[bytes],
    answer: Callable[[list[Any], float], Sequence[Sequence[Any]]],
) -> None:
    """Write the table with its answers; ``answer`` is asked for some rows at a time."""
    row = _RowWriter(table.form, places, width)
    above, heading = table.top()
    target.write(row.encoded(above))
    target.write(row.with_titles(heading, titles))
    records = table.records()
    while some := list(islice(records, ROWS)):
        keys = [table.key(record.cells) for record in some if record.cells is not None]
        answers = iter(answer(keys, table.done))
        target.write(b"".join(_lines(row, some, titles, answers)))


def _lines(
    row: _RowWriter, records: Sequence[Record], titles: Sequence[str], answers: Iterator[Any]
) -> Iterator[bytes]:
    for record in records:
        if record.cells is not None:
            yield row.with_cells(record.raw, next(answers))
        elif record.is_heading:
            yield row.with_titles(record.raw, titles)
        else:
            yield row.encoded(record.raw)


@lru_cache(maxsize=8)
def _field_pattern(delimiter: str) -> re.Pattern[str]:
    """A cell: quoted from its first sign on, or with no quotation mark there.

    The quantifiers give nothing back, so a mark that is not closed costs no time.
    """
    other = "[^" + re.escape(delimiter) + "]*+"
    return re.compile('\ufeff?"(?:[^"]|"")*+"' + other + '|(?!\ufeff?")' + other)


def _split(raw: str, delimiter: str) -> list[str] | None:
    """The cells as they are written; None if a quotation mark is not closed."""
    pattern, fields, at = _field_pattern(delimiter), [], 0
    while match := pattern.match(raw, at):
        fields.append(match[0])
        at = match.end() + 1
        if at > len(raw):
            return fields
    return None


def fields_of(raw: str, delimiter: str) -> list[str]:
    """The cells of a row as they are written, without its line end."""
    body = raw.rstrip("\r\n")
    if '"' in body and (fields := _split(body, delimiter)) is not None:
        return fields
    return body.split(delimiter)


class _RowWriter:
    """Puts cells into rows of one table."""

    def __init__(self, form: Form, places: Sequence[int], width: int) -> None:
        self.form, self.places = form, places
        self.width = max(width, *(place + 1 for place in places))
        self.errors = errors_of(form.encoding)
        self._known: dict[Any, list[str]] = {}

    def encoded(self, text: str) -> bytes:
        """Text of the file as the bytes that it was."""
        return text.encode(self.form.encoding.main, self.errors)

    def with_titles(self, raw: str, titles: Sequence[str]) -> bytes:
        fields = fields_of(raw, self.form.delimiter)
        there = [fields[place] if place < len(fields) else "" for place in self.places]
        cells = [old or self._written(new) for old, new in zip(there, titles, strict=True)]
        return self._with(raw, cells)

    def with_cells(self, raw: str, cells: Sequence[Cell | None]) -> bytes:
        key = tuple(cells)
        if key not in self._known:
            if len(self._known) > ROWS:
                self._known.clear()
            self._known[key] = [self._written(cell) for cell in cells]
        return self._with(raw, self._known[key])

    def _with(self, raw: str, new: Sequence[str]) -> bytes:
        """A row with these cells at their places; shorter rows are filled up to the others."""
        body = raw.rstrip("\r\n")
        fields = fields_of(raw, self.form.delimiter)
        fields += [""] * (self.width - len(fields))
        for place, cell in zip(self.places, new, strict=True):
            fields[place] = cell
        return self.encoded(self.form.delimiter.join(fields) + raw[len(body) :])

    def _written(self, cell: Any) -> str:
        if cell is None:
            return ""
        text = str(harmless(cell))
        if isinstance(cell, float):
            # Who separates by semicolons does so because the comma is the decimal mark.
            text = f"{cell:.4f}".rstrip("0").rstrip(".")
            text = text.replace(".", "," if self.form.delimiter == ";" else ".")
        if any(sign in text for sign in (self.form.delimiter, '"', "\r", "\n")):
            text = '"' + text.replace('"', '""') + '"'
        # What the encoding of the file can't hold.
        main = self.form.encoding.main
        return text.encode(main, "replace").decode(main)
