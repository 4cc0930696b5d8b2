"""Opening of table files: every possible reading of a file, with findings.

Example::

    with sheets.opened(file) as document:
        reading = document.only()
        for table in reading.tables:
            columns = table.heading.places(Field.ADVERTISEMENT_ID, Field.TEXT)
            for line, cells in table.rows():
                ...
        reading.findings()
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from creativefilter.sheets import limits, other_workbooks, text
from creativefilter.sheets.containers import Kind, Source, opened_zip, translated, unpacked
from creativefilter.sheets.csv_table import CsvTable, forms
from creativefilter.sheets.errors import Finding, SheetError
from creativefilter.sheets.fields import Heading
from creativefilter.sheets.types import Table
from creativefilter.sheets.workbook_tables import Sheet, SheetTable, XlsxSheet, headings
from creativefilter.sheets.xlsx_package import read_workbook
from creativefilter.sheets.xlsx_places import letters_of


@dataclass
class Reading:
    """One way to read a file. ``encoding`` and ``delimiter`` are "" for workbooks."""

    tables: Sequence[Table]
    encoding: str = ""
    delimiter: str = ""
    _file_findings: list[Finding] = field(default_factory=list)

    def findings(self) -> list[Finding]:
        """Return the findings about the file, and about the rows that have been read so far."""
        rows = [finding for table in self.tables for finding in table.findings()]
        return [*self._file_findings, *rows]

    def in_words(self) -> str:
        """Describe this reading for a person who has to choose between several."""
        words = []
        if self.encoding:
            words.append(f"{name_of_encoding(self.encoding)}, {sign_of(self.delimiter)}")
        for table in self.tables:
            place = table.heading.id_place
            if place is not None:
                words.append(f"{letters_of(place)} «{table.heading.titles[place]}»")
        sample = " | ".join(title for title in self.tables[0].heading.titles if title)
        return f"{'; '.join(words)} ({sample[:60]})"


@dataclass
class Document:
    """An open table file with its possible readings.

    ``container`` is the format with its packing ("csv.gz", "zip", "xlsx" …). ``size`` is in bytes:
    of a CSV file without its packing, of a workbook as it is. ``digest`` is the SHA-256 (hex) of
    the same bytes.
    """

    kind: Kind
    container: str
    size: int
    digest: str
    readings: Sequence[Reading]

    def only(self) -> Reading:
        """Return the only reading of the file.

        Raises:
            SheetError: there are several readings; the error describes them.
        """
        if len(self.readings) > 1:
            words = "; ".join(
                f"({number}) {reading.in_words()}"
                for number, reading in enumerate(self.readings[: limits.MAX_READINGS], 1)
            )
            raise SheetError("table_ambiguous", readings=words)
        return self.readings[0]


@contextmanager
def opened(file: IO[bytes] | Path) -> Iterator[Document]:
    """Open a table: a path, or a seekable file.

    Raises:
        SheetError: the file can't be read as a table. If a path was given, ``SheetError.name`` is
            the file name.
    """
    path = file if isinstance(file, Path) else None
    with ExitStack() as stack:
        try:
            if isinstance(file, Path):
                file = stack.enter_context(_opened_path(file))
            source = stack.enter_context(unpacked(binary(file)))
            with translated():
                document = _csv(source) if source.kind == Kind.CSV else _workbook(source, stack)
        except SheetError as error:
            error.name = path.name if path else ""
            raise
        yield document


def _opened_path(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise SheetError("table_no_file") from error


def check(file: IO[bytes]) -> Source:
    """Detect the format of a file from its beginning and its directory, without reading rows.

    Returns:
        The table; don't call its ``open``, since archives and temporary files are closed already.

    Raises:
        SheetError: the file is no table.
    """
    with unpacked(binary(file)) as source:
        return source


def binary(file: IO[bytes]) -> IO[bytes]:
    """Return the ``io`` file within a Django file (of a storage or a form), or wrap the file."""
    inner: Any = file
    while not isinstance(inner, io.IOBase) and hasattr(inner, "file"):
        inner = inner.file
    if isinstance(inner, io.IOBase):
        return cast(IO[bytes], inner)
    return cast(IO[bytes], io.BufferedReader(cast(Any, _Raw(file)), limits.BLOCK))


class _Raw(io.RawIOBase):
    """Wrapper that makes an ``io`` file of an object with ``read``, ``seek`` and ``tell`` only."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def _csv(source: Source) -> Document:
    survey = text.survey(source)
    found = forms(source, survey.encodings)
    if not found:
        raise SheetError("table_nul" if survey.zero_bytes else "table_no_column")
    readings = []
    for form in found:
        notes = [
            Finding("found_encoding", {"encoding": name_of_encoding(form.encoding.label)}),
            Finding("found_delimiter", {"delimiter": sign_of(form.delimiter)}),
            *_heading_findings([form.heading]),
        ]
        if survey.mixed:
            lines = ", ".join(map(str, survey.mixed_lines))
            other = name_of_encoding(form.encoding.other) if form.encoding.other else "?"
            params = {"encoding": other, "count": survey.mixed, "lines": lines}
            notes.append(Finding("found_other_encoding", params, survey.mixed_lines[0]))
        if survey.zero_bytes:
            notes.append(Finding("found_zero_bytes", {"count": survey.zero_bytes}))
        table = CsvTable(source, survey.size, form)
        readings.append(Reading([table], form.encoding.label, form.delimiter, notes))
    return Document(source.kind, source.name, survey.size, survey.digest, readings)


def _workbook(source: Source, stack: ExitStack) -> Document:
    sheets = _sheets(source, stack)
    found = {sheet.name: headings(sheet) for sheet in sheets if sheet.visible}
    tables = [(sheet, found[sheet.name]) for sheet in sheets if found.get(sheet.name)]
    if not tables:
        raise SheetError("table_no_column")
    notes = _sheet_findings(sheets, [sheet.name for sheet, _headings in tables])
    # If a sheet has several ID columns, there is a reading for each of them.
    count = max(len(each) for _sheet, each in tables)
    readings = []
    for number in range(count):
        chosen = [(sheet, each[min(number, len(each) - 1)]) for sheet, each in tables]
        heading_findings = _heading_findings([heading for _sheet, heading in chosen])
        made = [SheetTable(sheet, heading) for sheet, heading in chosen]
        readings.append(Reading(made, _file_findings=[*notes, *heading_findings]))
    digest = hashlib.file_digest(cast(Any, source.open()), "sha256").hexdigest()
    return Document(source.kind, source.name, source.packed, digest, readings)


def _sheets(source: Source, stack: ExitStack) -> Sequence[Sheet]:
    if source.kind != Kind.XLSX:
        return other_workbooks.sheets(source, stack)
    archive = stack.enter_context(opened_zip(source.open()))
    book = read_workbook(archive)
    return [XlsxSheet(archive, book, number) for number in range(len(book.sheets))]


def _sheet_findings(sheets: Sequence[Sheet], used: Sequence[str]) -> list[Finding]:
    without = [sheet.name for sheet in sheets if sheet.visible and sheet.name not in used]
    hidden = [sheet.name for sheet in sheets if not sheet.visible]
    return [
        Finding(code, {"sheets": ", ".join(names)})
        for code, names in (
            ("found_sheets", used),
            ("found_sheets_without_heading", without),
            ("found_sheets_hidden", hidden),
        )
        if names
    ]


def _heading_findings(headings: Sequence[Heading]) -> list[Finding]:
    """Return the findings about headings; a single one if the line is the same in all sheets."""
    same = len({heading.line for heading in headings}) == 1
    found = []
    for number, heading in enumerate(headings):
        if not number or not same:
            sheet, line = "" if same else heading.sheet, heading.line
            found.append(Finding("found_heading", {"line": line}, line, sheet))
        if heading.above:
            params = {"count": len(heading.above), "text": " | ".join(heading.above)[:200]}
            found.append(Finding("found_titles", params, 1, heading.sheet))
    return found


_ENCODINGS = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8 (BOM)", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16",
    "cp1251": "Windows-1251", "cp866": "CP866 (DOS)", "koi8-r": "KOI8-R",
    "mac-cyrillic": "Mac Cyrillic",
}  # fmt: skip


def name_of_encoding(encoding: str) -> str:
    return _ENCODINGS.get(encoding, encoding)


def sign_of(delimiter: str) -> str:
    """Return a delimiter as it is shown to people; "—" for a workbook."""
    return {"": "—", "\t": "TAB"}.get(delimiter, f"«{delimiter}»")
