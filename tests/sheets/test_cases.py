"""Reading of real small files from offices. The files are not a part of the repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.sheets.reading import findings, refusal, rows

TWO = [
    ["4297908", "СБЕР", "СБЕРБАНК", "TV Nat", "1234.50", "2024", "1"],
    ["4297909", "АЛЬФА", "АЛЬФА-БАНК", "TV Reg", "2000.25", "2024", "2"],
]
NUMBERS = [[*row[:4], float(row[4]), *row[5:]] for row in TWO]
LABELS = [["100001", "12"], ["100002", "3"]]


@pytest.fixture
def folder() -> Path:
    data = Path(os.environ.get("REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    cases = data.parent / "cases" / "tables"
    if not cases.is_dir():
        pytest.skip(f"no collection of tables in {cases} (set REFERENCE_DATA)")
    return cases


def content(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()


READ: dict[str, list[tuple[int, Any]]] = {
    "02_cp866.csv": [(2, TWO[0]), (3, TWO[1])],
    "02_utf16.csv": [(2, LABELS[0]), (3, LABELS[1])],
    "04_utf16le.csv": [(2, TWO[0]), (3, TWO[1])],
    "05_rus.csv": [(2, LABELS[0]), (3, LABELS[1])],
    "06_case.csv": [(2, LABELS[0]), (3, LABELS[1])],
    "10_pipe.csv": [(2, TWO[0]), (3, TWO[1])],
    "43_header3.csv": [(5, TWO[0]), (6, TWO[1])],
    "48_headnl.csv": [(4, TWO[0]), (5, TWO[1])],
    "56_idzeros.csv": [(2, ["0004297908", *TWO[0][1:]]), (3, TWO[1])],
    "73_sep.csv": [
        (3, [*TWO[0][:4], "1234,50", "2024", "1"]), (4, [*TWO[1][:4], "2000,25", "2024", "2"])
    ],
    "85_xlsxinzip.zip": [(2, NUMBERS[0]), (3, NUMBERS[1])],
    "92_title.xlsx": [(5, NUMBERS[0]), (6, NUMBERS[1])],
    "B1_base.ods": [(2, NUMBERS[0]), (3, NUMBERS[1])],
    "D8_mixedenc.csv": [
        (2, TWO[0]), (3, TWO[1]), (4, ["4297910", "ГАЗПРОМ", "ГПБ", "TV Nat", "10", "2024", "1"])
    ],
    "P8_field.csv": [(2, "row_long_cell"), (3, TWO[1])],
    "Y0_concat.csv": [
        (2, TWO[0]), (3, TWO[1]), (5, [*TWO[0][:5], "2025", "1"]), (6, [*TWO[1][:5], "2025", "2"])
    ],
    "Z9_idbom.csv": [(2, ["\ufeff4297908", *TWO[0][1:]]), (3, TWO[1])],
    "labels_19digits.xlsx": [(2, LABELS[0]), (3, [1.234567890123457e18, "3"])],
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_files_from_offices_are_read(name: str, folder: Path) -> None:
    assert rows(content(folder, name)) == READ[name]


def test_all_sheets_of_a_workbook_are_read(folder: Path) -> None:
    twelve = rows(content(folder, "12sheets.xlsx"))
    assert [row[-1] for _line, row in twelve] == [str(month) for month in range(1, 13)]
    assert len(rows(content(folder, "95_twosheets.xlsx"))) == 4


@pytest.mark.parametrize(
    ("name", "code"),
    [("B2_password.xlsx", "table_password"), ("B3_x.xlsb", "table_no_workbook")],
)
def test_other_files_are_refused_with_the_reason(name: str, code: str, folder: Path) -> None:
    assert refusal(content(folder, name)) == code


def test_findings_name_encoding_lines_and_titles(folder: Path) -> None:
    assert findings(content(folder, "D8_mixedenc.csv"))["found_other_encoding"]["lines"] == "4"
    assert findings(content(folder, "Y0_concat.csv"))["found_headings_again"]["lines"] == "4"
    old = findings(content(folder, "02_cp866.csv"))
    assert old["found_encoding"] == {"encoding": "CP866 (DOS)"}
    titles = findings(content(folder, "43_header3.csv"))["found_titles"]
    assert titles == {"count": 2, "text": "Отчёт Mediascope | Период: 2024"}
