"""Damaged and generated tables are read or refused; no exception of a library gets through."""

from __future__ import annotations

import gzip
import io
from functools import cache
from itertools import islice

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from creativefilter import sheets
from creativefilter.creatives.intake import id_tables
from creativefilter.creatives.refused_rows import RowsError
from creativefilter.sheets import Field, SheetError, rewrite
from creativefilter.spend.imports.rows import RowReader
from tests.fuzz.mutations import BYTES, VALUES, changed, changed_archive, packed
from tests.fuzz.rounds import fuzz
from tests.sheets.sheet_files import HEADING, XLS, every_kind, inline, with_sheet

DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
ENCODINGS = st.sampled_from(
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "cp866", "koi8-r",
     "mac-cyrillic"]
)  # fmt: skip
CELLS = VALUES | st.sampled_from([
    "4297908", "4 297 908", "4297908.0", "4,297908E6", "СБЕР", "1 234,50", "-5", "=1+1", '"', '""',
    'a"b', '"a', "a\nb", "\r", "2024", "янв", "2024-01-31", "Advertisement ID", "№ 7", "x" * 3000,
])  # fmt: skip
TITLES = st.sampled_from([*HEADING, "file", "text", "ID рекламы", "", "Advertisement ID", "x"])


@cache
def bases() -> dict[str, bytes]:
    return every_kind() | {"xls": XLS.read_bytes()}


@st.composite
def made_csv(draw: st.DrawFn) -> bytes:
    """Generate a CSV table with occasional errors in every part."""
    delimiter, end = draw(DELIMITERS), draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n", ""]))
    heading = draw(st.lists(TITLES, max_size=9)) if draw(st.booleans()) else HEADING
    rows = draw(st.lists(st.lists(CELLS, max_size=9), max_size=8))
    lines = []
    for row in [heading, *rows]:
        quote = draw(st.sampled_from(["", "", '"']))
        lines.append(delimiter.join(f"{quote}{cell}{quote}" for cell in row))
    text = draw(st.sampled_from(["", "", "sep=;\n", "Отчёт\n\n"])) + end.join([*lines, ""])
    return text.encode(draw(ENCODINGS), "replace")


@st.composite
def made_xlsx(draw: st.DrawFn) -> bytes:
    """Generate a workbook whose sheet is made cell by cell."""
    rows = []
    for number, row in enumerate(
        [HEADING, *draw(st.lists(st.lists(CELLS, max_size=8), max_size=6))]
    ):
        cells = []
        for place, cell in enumerate(row):
            where = draw(
                st.sampled_from([f"{chr(65 + place)}{number + 1}"] * 6 + ["", "XFD1", "A"])
            )
            match draw(st.integers(0, 5)) if number else 5:
                case 0:
                    kind = draw(st.sampled_from(["s", "n", "b", "e", "str", "d", "?"]))
                    value = cell.replace("&", "").replace("<", "")
                    cells.append(f'<c r="{where}" t="{kind}" s="{place}"><v>{value}</v></c>')
                case 1:
                    cells.append(f'<c r="{where}"/>')
                case _:
                    cells.append(inline(where, cell))
        rows.append(f'<row r="{number + 1}">{"".join(cells)}</row>')
    return with_sheet("".join(rows).encode("utf-8", "replace").decode())


@st.composite
def files(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(sorted(bases())))
    content = bases()[kind]
    if kind.startswith(("xls", "ods")) and not kind.startswith("xlsx") and draw(st.integers(0, 3)):
        # Mostly XLSX instead: XLS, XLSB and ODS are each read in a child process, which takes long.
        kind = "xlsx"
        content = bases()[kind]
    is_archive = content.startswith(b"PK")
    match draw(st.integers(0, 9)):
        case 0 | 1:
            content = draw(made_csv())
        case 2 | 3:
            content = draw(made_xlsx())
        case 4 | 5 | 6 | 7 if is_archive:
            content = draw(changed_archive(content))
        case _:
            content = draw(changed(content, ways=BYTES, most=6))
    for _layer in range(draw(st.sampled_from([0] * 8 + [1, 2, 3]))):
        if draw(st.booleans()):
            content = gzip.compress(content, 1) * draw(st.sampled_from([1, 1, 2]))
        else:
            content = packed([(draw(st.sampled_from(["t.csv", "t.xlsx", "t.gz"])), content, 8)])
        if draw(st.integers(0, 3)) == 0:
            content = draw(changed(content, ways=BYTES, most=2))
    return content


def use(content: bytes) -> None:
    """Use a table in every way that the project does; each refusal must have a sentence."""
    file = io.BytesIO(content)
    for client in (read, as_records, as_ids, as_spend, filled_in):
        try:
            client(file)
        except (SheetError, RowsError) as error:
            str(error).encode()


def read(file: io.BytesIO) -> None:
    with sheets.opened(file) as document:
        str(document.digest + document.container).encode()
        for reading in document.readings:
            reading.in_words().encode()
            for table in reading.tables:
                for line, cells in table.rows():
                    assert line > 0
                    "".join(map(str, cells)).encode()
                assert 0 <= table.done <= 1
            "".join(map(str, reading.findings())).encode()


def as_records(file: io.BytesIO) -> None:
    with sheets.opened(file) as document:
        found = sheets.records(document.only(), Field.ADVERTISEMENT_ID, optional=[Field.TEXT])
        for record in found:
            f"{record.place}{record.problem}{record.cells}".encode()


def as_ids(file: io.BytesIO) -> None:
    "".join(map(str, id_tables.read(file).findings)).encode()


def as_spend(file: io.BytesIO) -> None:
    with sheets.opened(file) as document:
        reader = RowReader(document.only())
        for chunk in islice(reader.chunks(), 5):
            str(chunk.bad).encode()
        "".join(map(str, [*reader.findings(), *reader.lines, *reader.advertisements])).encode()


def filled_in(file: io.BytesIO) -> None:
    plan = rewrite.plan(file, ("a", "b"), lambda keys, done: None)
    plan = rewrite.Plan.of(plan.as_json())
    target = io.BytesIO()
    rewrite.write(file, plan, target, lambda keys, done: [("x", 1)] * len(keys))
    with sheets.opened(target) as document:
        for table in document.readings[0].tables:
            list(table.rows())


EXAMPLES: SearchStrategy[bytes] = files()


def test_sheets() -> None:
    fuzz(EXAMPLES, use, 60)
