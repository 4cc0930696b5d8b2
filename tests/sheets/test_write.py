"""Writing of tables: three formats, with formulas escaped."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from creativefilter.sheets import write
from creativefilter.sheets.escape import harmless
from creativefilter.sheets.write import ColumnType, Sheet
from creativefilter.site.errors import UserError
from tests.sheets.reading import rows

COLUMNS = [
    ("Advertisement ID", ColumnType.TEXT), ("money", ColumnType.MONEY), ("count", ColumnType.COUNT),
    ("share", ColumnType.SHARE), ("month", ColumnType.MONTH), ("number", ColumnType.NUMBER),
]  # fmt: skip
ROW = ["7", Decimal("1234.50"), 3, 0.12345, date(2024, 1, 1), 0.5]
BAD = ["\x00", "\x0b", "\ud800", "\ufffe"]


@pytest.mark.parametrize("text", ["=1+1", "+7 900", "-5", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_like_a_formula_is_escaped(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Скидка = 5", "", -5, 0.5, None, True])
def test_other_values_are_unchanged(value: Any) -> None:
    assert harmless(value) == value


@pytest.mark.parametrize("sign", BAD)
def test_a_formula_after_a_removed_character_is_escaped(sign: str) -> None:
    assert harmless(f"{sign}=1+1") == "'=1+1"


def test_csv_and_csv_for_excel() -> None:
    sheet = Sheet(COLUMNS, [ROW, [None] * 6])
    lines = list(write.csv_lines(sheet, excel=False))
    assert lines[1:] == ["7,1234.5,3,0.1235,2024-01,0.5\r\n", ",,,,,\r\n"]
    excel = b"".join(write.csv_chunks(sheet, excel=True))
    assert excel.startswith(b"\xef\xbb\xbfAdvertisement ID;money")
    assert excel.decode().splitlines()[1] == "7;1234,5;3;0,1235;2024-01;0,5"


def test_numbers_of_client_tables_are_not_escaped() -> None:
    columns = [("a", ColumnType.AS_IT_CAME)]
    values = ["-5", "+1 234,5", "-x", "=1", "-"]
    lines = list(write.csv_lines(Sheet(columns, [values]), excel=False))
    assert lines[1] == "-5,\"+1 234,5\",'-x,'=1,'-\r\n"


def workbook(sheet: Sheet) -> Any:
    file = io.BytesIO()
    write.write_xlsx(sheet, file)
    return load_workbook(file)


@pytest.mark.parametrize("text", ["+7 ТЕЛЕКОМ", "=1+1", "@x", "-5"])
def test_text_like_a_formula_is_typed_as_text_in_a_workbook(text: str) -> None:
    cell = workbook(Sheet([("a", ColumnType.TEXT)], [[text]])).active["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_a_workbook_has_types_and_number_formats() -> None:
    cells = next(workbook(Sheet(COLUMNS, [ROW])).active.iter_rows(min_row=2))
    assert [cell.number_format for cell in cells] == [
        "General", "#,##0.00", "#,##0", "0.0%", "yyyy-mm", "General",
    ]  # fmt: skip
    assert (cells[0].data_type, cells[1].value) == ("s", 1234.5)


@pytest.mark.parametrize(("count", "sheets"), [(0, [1]), (4, [3, 3]), (5, [3, 3, 2])])
def test_a_long_table_has_as_many_sheets_as_needed(
    count: int, sheets: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "SHEET_ROWS", 2)
    table = Sheet([("a", ColumnType.COUNT)], [[n] for n in range(count)])
    assert [sheet.max_row for sheet in workbook(table).worksheets] == sheets
    assert write.write_xlsx(table, io.BytesIO()) == count


@pytest.mark.parametrize("name", ["t.csv", "t.XLSX"])
def test_written_tables_can_be_read(name: str, tmp_path: Path) -> None:
    texts = ["a;b", 'два\n"слова"', "+7", "<&>", "\x00x"]
    columns = [("Advertisement ID", ColumnType.COUNT), ("Brand", ColumnType.TEXT)]
    write.write(Sheet(columns, list(enumerate(texts, 1))), tmp_path / name)
    read = [cells for _line, cells in rows((tmp_path / name).read_bytes())]
    plus = "'+7" if name == "t.csv" else "+7"
    assert read == [["1", "a;b"], ["2", 'два\n"слова"'], ["3", plus], ["4", "<&>"], ["5", "x"]]


def test_an_error_of_writing_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        write.write(Sheet([], []), tmp_path / "no such folder" / "t.csv")
