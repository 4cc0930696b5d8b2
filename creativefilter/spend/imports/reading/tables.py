"""The rows of a table with their line numbers, from CSV and XLSX alike."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812

from creativefilter.spend.imports.errors import SpendFileError
from creativefilter.spend.imports.reading.containers import (
    MAX_LINE,
    Bytes,
    Container,
    Survey,
    translated,
    unpacked,
)

COLUMNS = (
    "Advertisement ID", "Advertiser", "Brand", "Media Type", "Estimated cost RUB", "Year", "Month"
)  # fmt: skip
DELIMITERS = (",", ";", "\t")
# A workbook of a thousand columns is read no further; the needed ones come first.
MAX_SHEET_COLUMNS = 256


class Broken(list[Any]):
    """A line that is no row: a quotation mark in it is not closed. One cell: the line."""


class Table(Protocol):
    """``rows`` gives text cells (XLSX also numbers) below the heading; blank lines are left out.

    ``line`` is the number in the file of the row that was given last, ``done`` the share of the
    table that was read, 0 to 1. ``delimiter`` is "" for XLSX.
    """

    header: list[str]
    delimiter: str
    line: int

    def rows(self) -> Iterator[Sequence[Any]]: ...

    @property
    def done(self) -> float: ...


@contextmanager
def open_table(path: Path, survey: Survey) -> Iterator[Table]:
    """The table of a file that was surveyed. Raises ``SpendFileError``, also while reading."""
    with ExitStack() as stack:
        table: Table
        with translated():
            if survey.container == Container.XLSX:
                table = SheetTable(stack.enter_context(path.open("rb")))
            else:
                file = stack.enter_context(unpacked(path, survey.container))
                table = CsvTable(file, survey)
        yield table


def positions(header: Sequence[str]) -> dict[str, int]:
    """Where each of ``COLUMNS`` stands; letter case, spaces and punctuation don't matter.

    Raises ``SpendFileError`` if one is missing or comes twice.
    """
    folded = [_folded(name) for name in header]
    found = {
        name: [i for i, seen in enumerate(folded) if seen == _folded(name)] for name in COLUMNS
    }
    missing = [name for name, places in found.items() if not places]
    if len(missing) == len(COLUMNS):
        raise SpendFileError("spend_not_a_table")
    if missing:
        raise SpendFileError("spend_missing_column", columns=", ".join(missing))
    if twice := [name for name, places in found.items() if len(places) > 1]:
        raise SpendFileError("spend_duplicate_column", columns=", ".join(twice))
    return {name: place for name, [place] in found.items()}


def _folded(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


class CsvTable:
    def __init__(self, file: Bytes, survey: Survey) -> None:
        self._file, self._size = file, survey.size
        # A byte that cp1251 leaves open must not stop the rest.
        self._text = io.TextIOWrapper(file, survey.encoding, errors="replace", newline="")
        self.line = 0
        heading = ""
        while not heading.strip(" \t\r\n,;"):
            heading = self._text.readline(MAX_LINE)
            self.line += 1
            if not heading:
                raise SpendFileError("spend_empty")
        self.delimiter = max(DELIMITERS, key=heading.count)
        self.header = [name.strip() for name in self._split(heading)]

    @property
    def done(self) -> float:
        return min(1.0, self._file.tell() / self._size)

    def _split(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self.delimiter), [])

    def rows(self) -> Iterator[Sequence[Any]]:
        """A quotation mark that is not closed would swallow lines: it costs its own line only."""
        pending: list[str] = []
        reader = csv.reader(self._lines(pending), delimiter=self.delimiter)
        while True:
            try:
                for row in reader:
                    if len(pending) == 1:
                        self.line += 1
                        if row:
                            yield row
                    else:
                        yield from self._one_by_one(pending)
                    pending.clear()
                return
            except csv.Error:  # a cell grew beyond every measure
                yield from self._one_by_one(pending)
                pending.clear()

    def _lines(self, pending: list[str]) -> Iterator[str]:
        keep = pending.append
        with translated():
            for line in self._text:
                keep(line)
                yield line

    def _one_by_one(self, lines: list[str]) -> Iterator[Sequence[Any]]:
        for line in lines:
            self.line += 1
            line = line.rstrip("\r\n")
            if line.count('"') % 2:
                yield Broken([line])
            elif row := self._split(line):
                yield row


class SheetTable:
    """The first sheet of a workbook that has the columns."""

    delimiter = ""

    def __init__(self, file: IO[bytes]) -> None:
        from openpyxl import load_workbook

        errors = [SpendFileError("spend_not_a_table")]
        with _workbook_errors():
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            for sheet in book.worksheets:
                try:
                    self._open(sheet)
                    positions(self.header)
                except SpendFileError as error:
                    errors.append(error)
                else:
                    return
        raise errors[:2][-1]

    def _open(self, sheet: Any) -> None:
        self._count = sheet.max_row or 0
        # What a workbook says of its size may be wrong; then rows would be cut.
        sheet.reset_dimensions()
        self._rows = sheet.iter_rows(values_only=True, max_col=MAX_SHEET_COLUMNS)
        self.line = 0
        for row in self._rows:
            self.line += 1
            self.header = [str(as_text(cell)).strip() for cell in row]
            while self.header and not self.header[-1]:
                self.header.pop()
            if self.header:
                return
        raise SpendFileError("spend_empty")

    @property
    def done(self) -> float:
        return min(1.0, self.line / self._count) if self._count else 0.0

    def rows(self) -> Iterator[Sequence[Any]]:
        width = len(self.header)
        with _workbook_errors():
            for row in self._rows:
                self.line += 1
                if any(cell is not None for cell in row):
                    cells = [as_text(cell) for cell in row[:width]]
                    cells += itertools.repeat("", width - len(cells))
                    yield cells


def as_text(cell: Any) -> Any:
    """A cell of a workbook as a CSV file would have it; numbers that are no counts stay numbers."""
    if cell is None:
        return ""
    if isinstance(cell, bool | datetime):
        return str(cell)
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else cell
    return str(cell)


@contextmanager
def _workbook_errors() -> Iterator[None]:
    """openpyxl raises whatever it stumbles over in a damaged workbook."""
    try:
        yield
    except SpendFileError:
        raise
    except (
        ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, BadZipFile,
        ZlibError, ParseError,
    ) as error:  # fmt: skip
        raise SpendFileError("spend_damaged") from error
