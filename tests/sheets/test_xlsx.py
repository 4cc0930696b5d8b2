"""Reading of XLSX worksheets, in the usual XML and in unusual but valid XML."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import pytest
from openpyxl import Workbook

from creativefilter.sheets import limits
from creativefilter.sheets.xlsx_cells import CellReader, date_text
from creativefilter.sheets.xlsx_package import is_date_format
from creativefilter.sheets.xlsx_places import Located, locate, parsed
from tests.sheets.reading import cells, findings, refusal, rows
from tests.sheets.sheet_files import HEADING, inline, numbers, parts, with_sheet, xlsx, zipped

HEAD = f'<row r="1">{inline("A1", "Advertisement ID")}{inline("B1", "Brand")}</row>'


def saved(*cells: Any) -> bytes:
    """Return a workbook with a heading and one row for each of these cells."""
    book = Workbook()
    book.active.append(["Advertisement ID", "Brand"])
    for cell in cells:
        book.active.append([1, cell])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def values(content: bytes) -> list[Any]:
    return [row[1] for row in cells(content)]


def test_whole_numbers_with_exact_digits_are_text() -> None:
    given = [7, 7.0, -3, 0.5, 1e14, 999_999_999_999_999, 10**15, 1234567890123456789, 1e300]
    assert values(saved(*given)) == [
        "7", "7", "-3", 0.5, "100000000000000", "999999999999999", 1e15, 1.234567890123457e18,
        1e300,
    ]  # fmt: skip


def test_dates_times_and_booleans_are_text() -> None:
    given = [
        date(2024, 1, 31),
        datetime.fromisoformat("2024-01-31T12:30"),
        time(9, 5),
        True,
        False,
        "=1+1",
    ]
    assert values(saved(*given)) == [
        "2024-01-31", "2024-01-31 12:30:00", "09:05:00", "TRUE", "FALSE", "",
    ]  # fmt: skip
    assert findings(saved("=1+1", 1))["found_unsaved_formulas"]["count"] == 1


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("dd.mm.yyyy", True), ("[$-419]mmmm yyyy;@", True), ("h:mm", True), ("[h]:mm", True),
        ("0.00", False), ('#,##0 "день"', False), ("[Red]0", False), ("General", False),
        ("#,##0.00\\ [$₽-419]", False), ('0" шт. в сутки"', False), ("\\d0", False),
    ],
)  # fmt: skip
def test_date_formats(code: str, is_date: bool) -> None:
    assert is_date_format(code) == is_date


def test_the_1904_date_system_is_respected() -> None:
    book = parts(saved(date(2024, 1, 31)))
    book["xl/workbook.xml"] = book["xl/workbook.xml"].replace(
        b"<workbookPr ", b'<workbookPr date1904="1" '
    )
    assert values(zipped(book)) == ["2028-02-01"]


def test_a_1904_day_after_the_year_9999_is_a_number() -> None:
    assert date_text("2957003", True) == "9999-12-31"
    assert date_text("2957004", True) == "2957004"
    assert date_text("2958465", False) == "9999-12-31"
    assert date_text("-1", True) == "-1"


UNUSUAL = {
    "as Excel writes it": '<row r="2" spans="1:2"><c r="A2"><v>7</v></c><c r="B2" s="0" t="str">'
    "<f>1+1</f><v>a&amp;b</v></c></row>",
    "blanks between the tags": '<row r="2">\n <c r="A2">\n  <v>7</v>\n </c>\n'
    ' <c r="B2" t="inlineStr"><is><t>a&amp;b</t></is></c>\n</row>\n',
    "attributes in another order": '<row spans="1:2" r="2"><c t="n" r="A2"><v>7</v></c>'
    "<c t='inlineStr' r='B2'><is><t>a&#38;b</t></is></c></row>",
    "no addresses": '<row><c><v>7</v></c><c t="inlineStr"><is><t>a&amp;b</t></is></c></row>',
    "text in pieces, with a reading": '<row r="2"><c r="A2"><v>7.0</v></c><c r="B2" t="inlineStr">'
    "<is><r><rPr/><t>a&amp;</t></r><r><t>b</t></r><rPh sb='0' eb='1'><t>x</t></rPh></is></c></row>",
    "comments and CDATA": '<row r="2"><!-- </row><row r="9"> --><c r="A2"><v>7</v></c>'
    '<c r="B2" t="inlineStr"><is><t><![CDATA[a&b]]></t></is></c></row><!-- </sheetData> -->',
    "rows without an end": '<row r="2"/><row r="3" ht="1"/><row r="2"><c r="A2"><v>7</v></c>'
    f'{inline("B2", "a&b")}</row><row r="9"/>',
    "exponents and cells behind the heading": '<row r="2"><c r="A2"><v>7E+0</v></c>'
    f'{inline("B2", "a&b")}<c r="XFD2"><v>1</v></c></row>',
    "characters that XML lacks": '<row r="2"><c r="A2"><v>7</v></c>'
    f"{inline('B2', 'a_x0026_b')}</row>",
}


LOCATED = {
    "texts and numbers": f'<row r="7"><c r="A7" s="3" t="s"><v>1</v></c>{inline("C7", "ы")}</row>',
    "blank cells": '<row r="7"><c r="A7"/><c r="B7" s="1"/><c r="C7"></c></row>',
    "formulas": '<row r="7"><c r="A7"><f>B7*2</f><v>4</v></c><c r="B7"><f>C7</f><v/></c><c r="C7">'
    '<f t="shared" ref="C7:C9" si="0"/><v></v></c>'
    '<c r="D7"><f t="array" ref="D7:F7">1</f></c></row>',
    "no cells": '<row r="7" ht="15"></row>',
    "no end": '<row r="7"/>',
    "nothing in a value": '<row r="7"><c r="A7"><v/></c><c r="B7"><v></v></c></row>',
    "another order": '<row r="7"><c s="2" r="A7"><v>1</v></c> <c r="B7"/></row>',
}


@pytest.mark.parametrize("name", LOCATED)
def test_pattern_and_parser_find_the_same_positions(name: str) -> None:
    row = LOCATED[name].encode()

    def places(cells: Sequence[Located]) -> list[tuple[Any, ...]]:
        return [(c.column, c.start, c.end, c.style, c.formula, c.filled) for c in cells]

    found = locate(row, "")
    assert places(found) == places(parsed(row, ""))
    assert all(row[each.start : each.end].startswith(b"<c") for each in found)


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_rows_give_the_same_cells(name: str) -> None:
    assert rows(with_sheet(HEAD + UNUSUAL[name])) == [(2, ["7", "a&b"])]


@pytest.mark.parametrize(
    "cell", ['<c r="A2" t="s"/>', '<c r="A2" t="s"></c>', '<c r="A2" t="s"><v></v></c>']
)
def test_a_shared_string_without_a_number_is_blank(cell: str) -> None:
    row = f'<row r="2">{cell}<c r="B2"><v>7</v></c></row>'
    assert rows(with_sheet(HEAD + row)) == [(2, ["", "7"])]


@pytest.mark.parametrize("text", ["_xD800_", "&#xD800;", "&#57343;"])
def test_a_lone_surrogate_is_replaced(text: str) -> None:
    for cell in (
        f'<c r="B2" t="inlineStr"><is><t>a{text}</t></is></c>',
        f'<c r="B2" t="str"><f>1</f><v>a{text}</v></c>',
    ):
        row = f'<row r="2"><c r="A2"><v>7</v></c>{cell}</row>'
        assert rows(with_sheet(HEAD + row)) == [(2, ["7", "a\ufffd"])]


def test_a_namespace_prefix_is_accepted() -> None:
    data = (HEAD + UNUSUAL["as Excel writes it"]).replace("</", "</x:")
    data = data.replace("<", "<x:").replace("<x:/x:", "</x:")
    assert rows(with_sheet(data, prefix="x")) == [(2, ["7", "a&b"])]


def test_pattern_and_parser_give_the_same_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    content = with_sheet(HEAD + "".join(UNUSUAL.values()))
    book = [*numbers(), [7, 'x<>&"', None, True, 0.1, date(2024, 1, 1), "_x0041_"]]
    contents = [content, xlsx({"1": [HEADING, *book]}), saved(1e15, "a\nb", "  ", -1.5)]
    fast = [rows(each) for each in contents]
    monkeypatch.setattr(CellReader, "_filled", lambda self, parts: self._parsed_cells(*self.last))
    real = CellReader.cells

    def remember_row(self: CellReader, row: bytes, prefix: str) -> Any:
        self.last = (row, prefix)  # type: ignore[attr-defined]
        return real(self, row, prefix)

    monkeypatch.setattr(CellReader, "cells", remember_row)
    assert [rows(each) for each in contents] == fast


def test_the_block_size_does_not_change_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    content = with_sheet(HEAD + "".join(UNUSUAL.values()) * 3, epilogue="<mergeCells/>")
    big = xlsx({"1": [HEADING, *(numbers() * 40)]})
    expected = [rows(content), rows(big)]
    for block in (1, 13, 100, 4096):
        monkeypatch.setattr(limits, "BLOCK", block)
        assert [rows(content), rows(big)] == expected


BROKEN = {
    "an open row": HEAD + '<row r="2"><c r="A2">',
    "a cell that is not closed": HEAD + '<row r="2"><c r="A2"><v>7</v></row>',
    "columns out of order": HEAD + '<row r="2"><c r="B2"><v>7</v></c><c r="A2"><v>7</v></c></row>',
    "an unknown text": HEAD + '<row r="2"><c r="A2" t="s"><v>999999</v></c></row>',
    "a column that does not exist": HEAD + '<row r="2"><c r="ZZZ2"><v>7</v></c></row>',
    "an entity": HEAD + '<row r="2"> <c r="A2" t="str"><v>&nbsp;</v></c></row>',
    "bytes that are no UTF-8": HEAD + '<row r="2"><c r="A2" t="str"><v>\udcff</v></c></row>',
    "something between the rows": HEAD + "<x><row r='2'/>",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_sheet_is_refused(name: str) -> None:
    book = parts(with_sheet("DATA"))
    sheet = "xl/worksheets/sheet1.xml"
    data = BROKEN[name].encode("utf-8", "surrogateescape")
    book[sheet] = book[sheet].replace(b"DATA", data)
    assert refusal(zipped(book)) == "table_damaged"


def test_a_sheet_without_rows_is_no_table() -> None:
    book = parts(with_sheet("DATA"))
    sheet = "xl/worksheets/sheet1.xml"
    book[sheet] = book[sheet].replace(b"<sheetData>DATA</sheetData>", b"<sheetData/>")
    assert refusal(zipped(book)) == "table_no_column"


def test_a_workbook_with_macros_in_another_folder_is_read() -> None:
    book = {name.replace("xl/", "office/"): part for name, part in parts(xlsx()).items()}
    book["_rels/.rels"] = book["_rels/.rels"].replace(b"xl/", b"/office/")
    book["office/_rels/workbook.xml.rels"] = book["office/_rels/workbook.xml.rels"].replace(
        b"/xl/", b"/office/"
    )
    book["office/vbaProject.bin"] = b"x"
    assert len(rows(zipped(book))) == 2


def test_repeated_headings_and_blank_rows_are_left_out() -> None:
    table = [["Отчёт"], [], HEADING, *numbers(), [None, " "], HEADING, [], *numbers()]
    assert [line for line, _cells in rows(xlsx({"1": table}))] == [4, 5, 9, 10]
    found = findings(xlsx({"1": table}))
    assert found["found_headings_again"] == {"count": 1, "lines": "7"}


@pytest.mark.parametrize("title", [" Advertisement ID", "*Advertisement ID"])
def test_a_repeated_heading_may_begin_with_any_character(title: str) -> None:
    table = [[title, "Brand"], [1, "B"], [title, "Brand"], [2, "B"], [" ", None]]
    assert [line for line, _cells in rows(xlsx({"1": table}))] == [2, 4]
