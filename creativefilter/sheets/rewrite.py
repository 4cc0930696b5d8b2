"""Filling in of a client's table: columns are added or replaced, all else stays unchanged.

Example::

    with file:
        plan = rewrite.plan(file, TITLES, report_keys)
        rewrite.write(file, plan, target, answer)

The first pass measures the table; the plan can be stored as JSON between the passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from creativefilter.sheets import rewrite_csv, rewrite_xlsx
from creativefilter.sheets.containers import Kind, unpacked
from creativefilter.sheets.csv_table import CsvTable, Form
from creativefilter.sheets.document import binary, opened
from creativefilter.sheets.errors import Finding, SheetError
from creativefilter.sheets.fields import Field, Heading
from creativefilter.sheets.rewrite_xlsx import SheetPlan
from creativefilter.sheets.text import Encoding
from creativefilter.sheets.types import Broken, Cell

# Formats that can be filled in.
KINDS = (Kind.CSV, Kind.XLSX)

# The cell of the Advertisement ID, or the row itself if it can't be read.
Key = Cell | Broken
Value = str | int | float | None
# Takes the keys of a batch of rows and the share of the table that has been read (0 to 1); returns
# the new cells of each row, in the order of ``Plan.titles``.
Answer = Callable[[list[Key], float], Sequence[Sequence[Value]]]
ReportKeys = Callable[[list[Key], float], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Positions of the new columns, whose titles are ``titles``.

    For CSV: ``form``; ``places``, the column indexes; ``width``, to which rows are padded; ``size``
    in bytes, without packing. For XLSX: ``sheets``.
    """

    kind: Kind
    titles: tuple[str, ...]
    form: Form | None = None
    places: tuple[int, ...] = ()
    width: int = 0
    size: int = 0
    sheets: tuple[SheetPlan, ...] = field(default=())
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Plan:
        """Return the plan that ``as_json`` stored."""
        form = stored["form"] and _form_of(stored["form"])
        return cls(
            Kind(stored["kind"]),
            tuple(stored["titles"]),
            form,
            tuple(stored["places"]),
            stored["width"],
            stored.get("size", 0),  # plans of older releases have none
            tuple(SheetPlan.of(each) for each in stored["sheets"]),
            tuple(Finding.of(each) for each in stored["findings"]),
        )


def _form_of(stored: dict[str, Any]) -> Form:
    heading, encoding = Heading.of(stored["heading"]), Encoding(**stored["encoding"])
    return Form(**{**stored, "encoding": encoding, "heading": heading})


def plan(file: IO[bytes], titles: Sequence[str], report_keys: ReportKeys) -> Plan:
    """Read a table once and find the positions of the new columns.

    Args:
        file: the table, seekable.
        titles: titles of the new columns. A column with exactly such a title is replaced.
        report_keys: called with the keys of each batch of rows and the share that has been read.

    Raises:
        SheetError: the table can't be read, or can't be filled in.
    """
    with opened(file) as document:
        if document.kind not in KINDS:
            raise SheetError("table_kind", kind=document.kind.upper())
        reading = document.only()
        for table in reading.tables:
            table.heading.places(Field.ADVERTISEMENT_ID)
        if document.kind == Kind.CSV:
            [table] = reading.tables
            assert isinstance(table, CsvTable)  # noqa: S101 (the kind says so)
            width, places = rewrite_csv.plan(table, titles, report_keys)
            found = tuple(reading.findings())
            return Plan(
                document.kind, tuple(titles), table.form, places, width, document.size,
                findings=found,
            )  # fmt: skip
        sheets = rewrite_xlsx.plan(reading.tables, titles, report_keys)
        return Plan(document.kind, tuple(titles), sheets=sheets, findings=tuple(reading.findings()))


def write(file: IO[bytes], planned: Plan, target: IO[bytes], answer: Answer) -> None:
    """Write the table with the new columns.

    Args:
        file: the same file as for ``plan``.
        planned: what ``plan`` returned.
        target: receives the table.
        answer: returns the new cells of each batch of rows.

    Raises:
        SheetError: the table can't be read.
    """
    with unpacked(binary(file)) as source:
        if planned.form is not None:
            table = CsvTable(source, planned.size, planned.form)
            rewrite_csv.write(table, planned.titles, planned.places, planned.width, target, answer)
        else:
            rewrite_xlsx.write(source.open(), planned.titles, planned.sheets, target, answer)
