"""Filling in of CSV tables: cells are replaced in and appended to the text of each row.

Quoting, line ends and undecodable bytes of the other cells stay unchanged. Memory does not grow
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

# Rows of one call of ``answer``.
ROWS = 2_000


def plan(
    table: CsvTable, titles: Sequence[str], report_keys: Callable[[list[Any], float], None]
) -> tuple[int, tuple[int, ...]]:
    """Read the rows once; return the most cells of a row, and the indexes of the new columns."""
    rows = table.rows()
    while batch := list(islice(rows, ROWS)):
        report_keys([table.key(cells) for _line, cells in batch], table.done)
    width = table.widest
    return width, places_of(table.heading.titles, titles, width)


def places_of(existing: Sequence[str], titles: Sequence[str], width: int) -> tuple[int, ...]:
    """Return the indexes of the new columns.

    A column whose title is exactly the same is replaced; other columns are appended.

    Args:
        existing: titles of the table.
        titles: titles of the new columns.
        width: number of columns in use; columns are appended from this index on.
    """
    found = {name: place for place, name in reversed(list(enumerate(existing)))}
    after_last = iter(range(width, width + len(titles)))
    return tuple(found[title] if title in found else next(after_last) for title in titles)


def write(
    table: CsvTable,
    titles: Sequence[str],
    places: Sequence[int],
    width: int,
    target: IO[bytes],
    answer: Callable[[list[Any], float], Sequence[Sequence[Any]]],
) -> None:
    """Write the table with its new cells, in batches of ``ROWS`` rows.

    Args:
        table: the table.
        titles: titles of the new columns.
        places: indexes of the new columns, as ``plan`` returned them.
        width: number of cells in the longest row, as ``plan`` returned it.
        target: receives the table.
        answer: takes the keys of a batch and the share that has been read; returns the new cells
            of each row.
    """
    writer = _RowWriter(table.form, places, width)
    above, heading = table.top()
    target.write(writer.encoded(above))
    target.write(writer.with_titles(heading, titles))
    records = table.records()
    while batch := list(islice(records, ROWS)):
        keys = [table.key(record.cells) for record in batch if record.cells is not None]
        answers = iter(answer(keys, table.done))
        target.write(b"".join(_lines(writer, batch, titles, answers)))


def _lines(
    writer: _RowWriter, records: Sequence[Record], titles: Sequence[str], answers: Iterator[Any]
) -> Iterator[bytes]:
    for record in records:
        if record.cells is not None:
            yield writer.with_cells(record.raw, next(answers))
        elif record.is_heading:
            yield writer.with_titles(record.raw, titles)
        else:
            yield writer.encoded(record.raw)


@lru_cache(maxsize=8)
def _field_pattern(delimiter: str) -> re.Pattern[str]:
    """Return a pattern for a cell that begins with a quotation mark, or for one that does not.

    The quantifiers are possessive: an unclosed quotation mark causes no backtracking.
    """
    other = "[^" + re.escape(delimiter) + "]*+"
    return re.compile('\ufeff?"(?:[^"]|"")*+"' + other + '|(?!\ufeff?")' + other)


def _split(raw: str, delimiter: str) -> list[str] | None:
    """Return the raw cells with their quotation marks; None if one is not closed."""
    pattern, fields, at = _field_pattern(delimiter), [], 0
    while match := pattern.match(raw, at):
        fields.append(match[0])
        at = match.end() + 1
        if at > len(raw):
            return fields
    return None


def fields_of(raw: str, delimiter: str) -> list[str]:
    """Return the raw cells of a row with their quotation marks, without the line end."""
    body = raw.rstrip("\r\n")
    if '"' in body and (fields := _split(body, delimiter)) is not None:
        return fields
    return body.split(delimiter)


class _RowWriter:
    """Puts new cells into the rows of one table."""

    def __init__(self, form: Form, places: Sequence[int], width: int) -> None:
        self.form, self.places = form, places
        self.width = max(width, *(place + 1 for place in places))
        self.errors = errors_of(form.encoding)
        self._cache: dict[Any, list[str]] = {}

    def encoded(self, text: str) -> bytes:
        """Return the original bytes of a text of the file."""
        return text.encode(self.form.encoding.main, self.errors)

    def with_titles(self, raw: str, titles: Sequence[str]) -> bytes:
        fields = fields_of(raw, self.form.delimiter)
        existing = [fields[place] if place < len(fields) else "" for place in self.places]
        cells = [old or self._quoted(new) for old, new in zip(existing, titles, strict=True)]
        return self._filled(raw, cells)

    def with_cells(self, raw: str, cells: Sequence[Cell | None]) -> bytes:
        key = tuple(cells)
        if key not in self._cache:
            if len(self._cache) > ROWS:
                self._cache.clear()
            self._cache[key] = [self._quoted(cell) for cell in cells]
        return self._filled(raw, self._cache[key])

    def _filled(self, raw: str, new: Sequence[str]) -> bytes:
        """Return the row with the new cells; short rows are padded with blank cells."""
        body = raw.rstrip("\r\n")
        fields = fields_of(raw, self.form.delimiter)
        fields += [""] * (self.width - len(fields))
        for place, cell in zip(self.places, new, strict=True):
            fields[place] = cell
        return self.encoded(self.form.delimiter.join(fields) + raw[len(body) :])

    def _quoted(self, cell: Any) -> str:
        if cell is None:
            return ""
        text = str(harmless(cell))
        if isinstance(cell, float):
            # Files are separated by semicolons where the comma is the decimal mark.
            text = f"{cell:.4f}".rstrip("0").rstrip(".")
            text = text.replace(".", "," if self.form.delimiter == ";" else ".")
        if any(sign in text for sign in (self.form.delimiter, '"', "\r", "\n")):
            text = '"' + text.replace('"', '""') + '"'
        # Characters that the encoding of the file lacks become question marks.
        main = self.form.encoding.main
        return text.encode(main, "replace").decode(main)
