"""Classified workbooks: five columns are added, everything else stays unchanged."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from creativefilter.sheets import limits
from tests.sheets.sheet_files import XLS
from tests.tables.table_files import (
    answered,
    bytes_of,
    labelled,
    office_workbook,
    refused,
    rows_of,
    saved,
    stored,
    workbook,
)

pytestmark = pytest.mark.django_db
TYPES, CHAIN = "[Content_Types].xml", "xl/calcChain.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
ADDED = ("Segment_num", "Segment", "probability", "reviewed", "status")


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(content: bytes, part: str, *edits: tuple[str, str]) -> bytes:
    """Return the workbook with regular-expression edits in one part."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in parts(content).items():
            if name == part:
                for old, new in edits:
                    text = re.sub(old, new, text.decode(), flags=re.DOTALL).encode()
            archive.writestr(name, text)
    return target.getvalue()


def test_every_row_gets_its_answer() -> None:
    stored("90000001", 12, probability=0.87654)
    labelled(stored("90000002", 12), 3)
    stored("90000003", 4)
    stored("123", 5)
    table = answered(office_workbook(), "план.xlsx")
    rows = rows_of(bytes_of(table))
    assert rows[0][0] == "Медиаплан"
    assert rows[2][:9] == ("Бренд", "Advertisement ID", "Дата", "Сумма", *ADDED)
    assert [row[4:9] for row in rows[3:]] == [
        (12, "Кредитные карты", 0.8765, "no", "ok"),
        (3, rows[4][5], None, "yes", "ok"),
        (4, rows[5][5], 0.9, "no", "ok"),
        (None, None, None, None, "blank"),
        (12, "Кредитные карты", 0.8765, "no", "ok"),
        (None, None, None, None, "unknown"),
        (5, rows[9][5], 0.9, "no", "ok"),
    ]
    assert table.counts == {
        "rows": 7, "answered": 5, "silent": 0, "unknown": 1, "failed": 0, "blank": 1,
        "classified": 0,
    }  # fmt: skip


def test_other_parts_and_cells_stay_unchanged() -> None:
    content = office_workbook()
    answer = bytes_of(answered(content, "план.xlsx"))
    before, after = parts(content), parts(answer)
    sheet = "xl/worksheets/sheet1.xml"
    assert {n for n in before if before[n] != after.get(n)} == {sheet}
    assert list(before) == list(after)
    # Without the added cells the sheet is the same.
    stripped = re.sub(rb'<c r="[E-I]\d+"[^>]*?(?:/>|>.*?</c>)', b"", after[sheet])
    original = re.sub(rb' spans="[^"]*"', b"", before[sheet])
    assert stripped.replace(b'ref="A1:I10"', b'ref="A1:D10"') == original
    loaded = load_workbook(io.BytesIO(answer))
    first = loaded.worksheets[0]
    assert str(first.merged_cells) == "A1:D1"
    assert (first["C4"].number_format, first["D5"].value) == ("dd.mm.yyyy", "=ROW()*1")
    assert first.column_dimensions["A"].width == 33
    assert "D4:D9" in str(next(iter(first.conditional_formatting)).sqref)
    assert len(first._charts) == 1
    assert loaded["Второй"]["B2"].value == "=1+1"


def test_columns_with_the_same_titles_are_replaced() -> None:
    stored("1", 12)
    content = workbook(
        [
            ["status", "Advertisement ID", "Status", "Segment"],
            ["=1+1", 1, "мой", "старое"],
            ["x", 2, "мой", "старое"],
        ]
    )
    rows = rows_of(bytes_of(answered(content, "t.xlsx")))
    assert rows[0] == (
        "status", "Advertisement ID", "Status", "Segment", "Segment_num", "probability", "reviewed",
    )  # fmt: skip
    assert rows[1] == ("ok", 1, "мой", "Кредитные карты", 12, 0.9, "no")
    assert rows[2] == ("unknown", 2, "мой", None, None, None, None)


def test_a_classified_table_can_be_classified_again() -> None:
    stored("1", 12)
    once = bytes_of(answered(workbook([["Advertisement ID"], [1]]), "t.xlsx"))
    twice = bytes_of(answered(once, "t.xlsx"))
    assert rows_of(twice) == rows_of(once)


def test_calc_chain_is_removed_if_formulas_were_replaced() -> None:
    content = workbook([["Advertisement ID", "status"], [1, "=1+1"]])
    listed = io.BytesIO()
    with zipfile.ZipFile(listed, "w") as archive:
        for name, text in parts(content).items():
            if name == TYPES:
                text = text.replace(
                    b"</Types>",
                    b'<Override PartName="/xl/calcChain.xml" ContentType="x"/></Types>',
                )
            if name == RELATIONS:
                text = text.replace(
                    b"</Relationships>",
                    b'<Relationship Id="x" Type="http://x/calcChain" Target="calcChain.xml"/>'
                    b"</Relationships>",
                )
            archive.writestr(name, text)
        archive.writestr(CHAIN, "<calcChain/>")
    after = parts(bytes_of(answered(listed.getvalue(), "t.xlsx")))
    assert CHAIN not in after
    assert b"calcChain" not in after[TYPES] + after[RELATIONS]
    assert len(parts(content)) == len(after)


def test_an_array_formula_over_several_columns_is_refused() -> None:
    content = workbook([["Advertisement ID", "status", "more"], [1, "=1+1", 2]])
    block = changed(content, "xl/worksheets/sheet1.xml", ("<f>", '<f t="array" ref="B2:C2">'))
    assert refused(block, "t.xlsx") == "table_formula_block"


def test_ids_in_unusual_xml_are_read() -> None:
    """Inline and rich text, numbers with an exponent, a namespace prefix, no cell references."""
    stored("12300000", 12)
    content = workbook([["Advertisement ID"], *[["x"]] * 5])
    sheet = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        "<x:sheetData>"
        '<x:row><x:c t="inlineStr"><x:is><x:r><x:t>Advertise</x:t></x:r>'
        "<x:r><x:t>ment_id</x:t></x:r>"
        "<x:rPh sb='0' eb='1'><x:t>читается</x:t></x:rPh></x:is></x:c></x:row>"
        "<x:row><x:c><x:v>1.23E+7</x:v></x:c></x:row>"
        '<x:row r="3"><x:c t="str"><x:f>1&amp;""</x:f><x:v>12300000</x:v></x:c></x:row>'
        '<x:row r="4"/>'
        '<x:row r="5"><x:c r="A5" t="inlineStr"><x:is><x:t>1,23E+07</x:t></x:is></x:c></x:row>'
        '<x:row r="6"><x:c r="A6"/><x:c r="B6"><x:v>1</x:v></x:c></x:row>'
        "</x:sheetData></x:worksheet>"
    )
    content = changed(content, "xl/worksheets/sheet1.xml", (".+", sheet))
    rows = rows_of(bytes_of(answered(content, "t.xlsx")))
    assert [row[-1] for row in rows] == ["status", "ok", "ok", None, "shortened", None]
    assert rows[1][2] == 12


def test_the_id_column_may_be_on_another_sheet() -> None:
    stored("7", 12)
    content = workbook([["Содержание"]], Данные=[["id рекламы", "x"], [7, "y"]])
    answer = bytes_of(answered(content, "t.xlsx"))
    assert rows_of(answer, 0) == [("Содержание",)]
    assert rows_of(answer, 1)[1] == (7, "y", 12, "Кредитные карты", 0.9, "no", "ok")


def test_added_texts_do_not_become_formulas_and_existing_formulas_stay() -> None:
    from creativefilter.creatives.models import Segment

    Segment.objects.filter(pk=12).update(name="=HYPERLINK(1)")
    stored("1", 12)
    answer = bytes_of(answered(workbook([["Advertisement ID", "a"], [1, "=A2"]]), "t.xlsx"))
    cells = list(load_workbook(io.BytesIO(answer)).worksheets[0].iter_rows())[1]
    assert (cells[1].value, cells[1].data_type) == ("=A2", "f")
    assert (cells[3].value, cells[3].data_type) == ("=HYPERLINK(1)", "s")


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (40 << 20))
    return target.getvalue()


def laughs() -> bytes:
    doctype = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet '
    content = workbook([["Advertisement ID"], [1]])
    return changed(content, "xl/worksheets/sheet1.xml", ("<worksheet ", doctype))


def with_macros() -> bytes:
    target = io.BytesIO(workbook([["Advertisement ID"], [1]]))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (bomb, "table_too_large"),
        (laughs, "table_damaged"),
        (with_macros, "table_macros"),
        (lambda: workbook([["x"], [1]]), "table_no_column"),
        (lambda: workbook([["Advertisement ID", "advertisement_id"], [1, 2]]), "table_ambiguous"),
        (lambda: office_workbook()[:3000], "table_damaged"),
        (lambda: b"\xd0\xcf\x11\xe0" + bytes(100), "table_no_workbook"),
        (XLS.read_bytes, "table_kind"),
        (lambda: b"", "empty"),
    ],
)
def test_refused_workbooks_have_a_code(make: Any, code: str, folder: Path) -> None:
    assert refused(make(), "t.xlsx") == code


def test_more_rows_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILLED_ROWS", 3)
    table = [["Advertisement ID"], *[[number] for number in range(4)]]
    assert refused(workbook(table), "t.xlsx") == "table_too_long"
    assert refused(workbook(table[:-1]), "t.xlsx") == ""


def test_rows_beyond_one_database_query_keep_their_order() -> None:
    for number in range(0, 40, 7):
        stored(str(number), 1 + number % 17)
    book = Workbook()
    assert book.active is not None
    book.active.append(["Advertisement ID", "n"])
    for number in range(2_500):
        book.active.append([number % 40, number])
    rows = rows_of(bytes_of(answered(saved(book), "t.xlsx")))
    assert [row[1] for row in rows[1:]] == list(range(2_500))
    for row in rows[1:]:
        assert row[2] == (1 + row[0] % 17 if row[0] % 7 == 0 else None)
