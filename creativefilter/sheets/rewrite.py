"""A table filled in where it stands: columns are added or replaced, all else stays as it came.

    with file:
        plan = rewrite.plan(file, TITLES, seen)
        rewrite.write(file, plan, target, answer)

The first pass finds out how wide the table is; ``plan`` can be kept as JSON in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from creativefilter.sheets import rewrite_csv, rewrite_xlsx
from creativefilter.sheets.containers import Kind, Source, unpacked
from creativefilter.sheets.csv_table import CsvTable, Form
from creativefilter.sheets.document import binary, opened
from creativefilter.sheets.errors import Finding, SheetError
from creativefilter.sheets.fields import Field, Heading
from creativefilter.sheets.rewrite_xlsx import SheetPlan
from creativefilter.sheets.text import Encoding
from creativefilter.sheets.types import Broken, Cell

# What can be filled in where it stands.
KINDS = (Kind.CSV, Kind.XLSX)

# A cell of the column of IDs, or a row that can't be read.
Key = Cell | Broken
Value = str | int | float | None
# Gets the keys of some rows and the share of the table that was read, and returns their new cells.
Answer = Callable[[list[Key], float], Sequence[Sequence[Value]]]
Seen = Callable[[list[Key], float], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the new columns, called ``titles``, go.

    CSV: ``form`` and ``places``; the rows are filled up to ``width`` cells. XLSX: ``sheets``.
    """

    kind: Kind
    titles: tuple[str, ...]
    form: Form | None = None
    places: tuple[int, ...] = ()
    width: int = 0
    sheets: tuple[SheetPlan, ...] = field(default=())
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Plan:
        form = stored["form"] and _form_of(stored["form"])
        return cls(
            Kind(stored["kind"]),
            tuple(stored["titles"]),
            form,
            tuple(stored["places"]),
            stored["width"],
            tuple(SheetPlan.of(each) for each in stored["sheets"]),
            tuple(Finding.of(each) for each in stored["findings"]),
        )


def _form_of(stored: dict[str, Any]) -> Form:
    heading, encoding = Heading.of(stored["heading"]), Encoding(**stored["encoding"])
    return Form(**{**stored, "encoding": encoding, "heading": heading})


def plan(file: IO[bytes], titles: Sequence[str], seen: Seen) -> Plan:
    """Read a table once; ``seen`` gets the keys of its rows, some at a time.

    Raises ``SheetError``, also for tables that are not filled in.
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
            width, places = rewrite_csv.plan(table, titles, seen)
            found = tuple(reading.findings())
            return Plan(document.kind, tuple(titles), table.form, places, width, findings=found)
        sheets = rewrite_xlsx.plan(reading.tables, titles, seen)
        return Plan(document.kind, tuple(titles), sheets=sheets, findings=tuple(reading.findings()))


def write(file: IO[bytes], made: Plan, target: IO[bytes], answer: Answer) -> None:
    """Write the table with its answers. Raises ``SheetError``."""
    with unpacked(binary(file)) as source:
        if made.form is not None:
            table = CsvTable(source, _size(source), made.form)
            rewrite_csv.write(table, made.titles, made.places, made.width, target, answer)
        else:
            rewrite_xlsx.write(source.open(), made.titles, made.sheets, target, answer)


def _size(source: Source) -> int:
    """Bytes by which progress is measured."""
    return source.packed
