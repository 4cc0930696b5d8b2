"""Spend tables in the formats that office programs save, and damaged files."""

from __future__ import annotations

import gzip
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from creativefilter.sheets import SheetError
from creativefilter.site.codes import CodedError
from creativefilter.spend.imports import importer
from creativefilter.spend.models import BadRow, BrandLine, SpendImport, SpendRow
from tests.sheets.sheet_files import xlsx
from tests.spend.spend_files import (
    HEADING,
    ROW,
    everything,
    imported,
    prepared,
    text_of,
    with_part,
    workbook,
    zipped,
)

pytestmark = pytest.mark.django_db

GOOD = text_of(ROW.format("146931.46"), ROW.format("55186.568"), ROW.format("0.0"))
SUM = Decimal("202118.028")
HEADINGS = HEADING.split(",")
OFFICE = text_of(
    "100;МАГНИТ;«Ёлка»;TV Nat;146 931,46;2021;3",
    "100;МАГНИТ;«Ёлка»;TV Nat;55\u00a0186,568;2021;3",
    "100;МАГНИТ;«Ёлка»;TV Nat;0,0;2021;03",
    heading=HEADING.replace(",", ";"),
)

READ = {
    "as the dashboard writes it": (GOOD.encode(), "csv utf-8 , ."),
    "cp1251, semicolons, decimal comma": (OFFICE.encode("cp1251"), "csv cp1251 ; ,"),
    "Windows line ends": (OFFICE.replace("\n", "\r\n").encode("cp1251"), "csv cp1251 ; ,"),
    "BOM": (OFFICE.encode("utf-8-sig"), "csv utf-8-sig ; ,"),
    "tabs": (GOOD.replace(",", "\t").encode(), "csv utf-8 \t ."),
    "decimal comma in quotes": (
        re.sub(r"([0-9]+)[.]([0-9]+)", r'"\1,\2"', GOOD).encode(),
        "csv utf-8 , ,",
    ),
    "American thousands": (
        GOOD.replace("146931.46", '"146,931.46"').replace("55186.568", '"55,186.568"').encode(),
        "csv utf-8 , .",
    ),
    "currency signs": (
        OFFICE.replace(",46;", ",46 ₽;").replace("568;", "568 руб.;").encode(),
        "csv utf-8 ; ,",
    ),
    "other columns, other order, other letters": (
        text_of(
            "x;3;2021;146931.46;TV Nat;;МАГНИТ;100;",
            "x;3;2021;55186.568;TV Nat;;МАГНИТ;100;",
            heading="GRP;month; YEAR ;estimated  cost rub;media_type;Brand;ADVERTISER;"
            "advertisement id;",
        ).encode(),
        "csv utf-8 ; .",
    ),
    "blank lines": (GOOD.replace("\n", "\n\n,,,,,,\n").encode(), "csv utf-8 , ."),
    "gzip": (gzip.compress(GOOD.encode()), "csv.gz utf-8 , ."),
    "zip": (
        zipped({"spend.csv": OFFICE.encode("cp1251"), "__MACOSX/spend.csv": b"\0"}),
        "zip cp1251 ; ,",
    ),
    "workbook": (
        workbook(
            [
                [*HEADINGS, "GRP"],
                [100, "МАГНИТ", "Ёлка", "TV Nat", 146931.46, 2021, 3],
                [None] * 7,
                ["100", "МАГНИТ", "Ёлка", "TV Nat", "55 186,568", "2021", "03", 1],
                [100.0, "МАГНИТ", "Ёлка", "TV Nat", 0, 2021.0, 3],
            ]
        ),
        "xlsx   ,",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_tables_of_every_format_are_read_to_the_last_digit(name: str, tmp_path: Path) -> None:
    content, expected = READ[name]
    path = tmp_path / "file"
    path.write_bytes(content)
    report = prepared(path).report
    facts = (report.container, report.encoding, report.delimiter, report.decimal_mark)
    assert " ".join(facts) == expected
    assert (report.bad_rows, report.amount, report.advertisements) == (0, SUM, 1)
    assert [f"{m.month:%Y-%m}" for m in report.months] == ["2021-03"]


BAD = {
    "100,A,B,TV,1.5,2021,13": BadRow.Reason.BAD_MONTH,
    "100,A,B,TV,1.5,2021,0": BadRow.Reason.BAD_MONTH,
    "100,A,B,TV,1.5,2021,март": BadRow.Reason.BAD_MONTH,
    "100,A,B,TV,1.5,202,3": BadRow.Reason.BAD_YEAR,
    "100,A,B,TV,1.5,20210,3": BadRow.Reason.BAD_YEAR,
    "100,A,B,TV,1.5,,3": BadRow.Reason.BAD_YEAR,
    "100,A,B,TV,-1.5,2021,3": BadRow.Reason.NEGATIVE,
    "100,A,B,TV,−1.5,2021,3": BadRow.Reason.NEGATIVE,
    "100,A,B,TV,дорого,2021,3": BadRow.Reason.NOT_A_NUMBER,
    "100,A,B,TV,nan,2021,3": BadRow.Reason.NOT_A_NUMBER,
    "100,A,B,TV,1_000,2021,3": BadRow.Reason.NOT_A_NUMBER,
    "100,A,B,TV,1.2.3,2021,3": BadRow.Reason.NOT_A_NUMBER,
    '100,A,B,TV,"1,5",2021,3': BadRow.Reason.NOT_A_NUMBER,
    "100,A,B,TV,12 34.5,2021,3": BadRow.Reason.NOT_A_NUMBER,
    "100,A,B,TV,,2021,3": BadRow.Reason.NO_AMOUNT,
    "100,A,B,TV,4297908000000,2021,3": BadRow.Reason.TOO_MUCH,
    ",A,B,TV,1.5,2021,3": BadRow.Reason.NO_ID,
    "1.71572E+06,A,B,TV,1.5,2021,3": BadRow.Reason.BAD_ID,
    f"{'1' * 65},A,B,TV,1.5,2021,3": BadRow.Reason.BAD_ID,
    f"100,{'A' * 256},B,TV,1.5,2021,3": BadRow.Reason.BAD_NAME,
    "100,A\x07,B,TV,1.5,2021,3": BadRow.Reason.BAD_NAME,
    "100,A,B,TV,1.5,2021": BadRow.Reason.FEW_CELLS,
    "100,A,B,TV,1,5,2021,3": BadRow.Reason.MANY_CELLS,
    '100,"A,B,TV,1.5,2021,3': BadRow.Reason.QUOTE,
    f"100,{'A' * 131_073},B,TV,1.5,2021,3": BadRow.Reason.LONG_CELL,
}


def test_every_bad_row_is_stored_with_its_line_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "spend.csv"
    # The good rows between them are imported.
    rows = [line for row in BAD for line in (ROW.format("0.1"), row)]
    path.write_text(text_of(*rows), "utf-8")
    done = importer.import_file(path)
    found = list(BadRow.objects.filter(spend_import=done).values_list("line", "reason"))
    assert found == [(3 + 2 * n, reason) for n, reason in enumerate(BAD.values())]
    assert (done.rows, done.bad_rows, done.amount) == (len(BAD), len(BAD), Decimal("2.5"))
    bad = BadRow.objects.get(reason=BadRow.Reason.MANY_CELLS)
    assert bad.cells == ["100", "A", "B", "TV", "1", "5", "2021", "3"]


def test_a_repeated_heading_is_skipped_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "spend.csv"
    path.write_text(text_of(ROW.format("1"), HEADING, ROW.format("2")), "utf-8")
    report = prepared(path).report
    assert (report.rows, report.bad_rows) == (2, 0)
    assert "found_headings_again" in [finding.code for finding in report.findings]


@pytest.mark.parametrize("filler", [0, 3_000])
def test_an_unclosed_quotation_mark_spoils_only_its_own_line(tmp_path: Path, filler: int) -> None:
    """The csv module would read everything up to the next quotation mark as one cell."""
    good = ROW.format("0.5")
    lines = ['100,"МАГНИТ,B,TV,1.5,2021,3', *[good] * filler, '100,A,"B",TV,1.5,2021,3', good]
    path = tmp_path / "spend.csv"
    path.write_text(text_of(good, *lines, "", '100,"a",B,TV,1.5,2021,3', good), "utf-8")
    report = prepared(path).report
    [bad] = report.bad_examples
    assert (bad.line, bad.reason, bad.cells) == (3, BadRow.Reason.QUOTE, [lines[0]])
    assert (report.rows, report.amount) == (filler + 5, Decimal(filler + 3) / 2 + Decimal(3))


def test_all_sheets_are_imported_and_bad_rows_have_their_sheet(tmp_path: Path) -> None:
    path = tmp_path / "spend.xlsx"
    row = [100, "МАГНИТ", "Ёлка", "TV Nat"]
    path.write_bytes(
        xlsx(
            {
                "Янв": [["Отчёт"], HEADINGS, [*row, 1.5, 2021, 1]],
                "Фев": [HEADINGS[::-1], [2, 2021, 2.5, *row[::-1]], [13, 2021, 1, *row[::-1]]],
                "Справка": [["a"]],
            }
        )
    )
    done = importer.import_file(path)
    assert (done.rows, done.bad_rows, done.amount) == (2, 1, Decimal(4))
    bad = BadRow.objects.get()
    assert (bad.sheet, bad.line, bad.reason) == ("Фев", 3, BadRow.Reason.BAD_MONTH)
    found = {each["code"]: each["params"] for each in done.report["findings"]}
    assert found["found_sheets"] == {"sheets": "Янв, Фев"}
    assert found["found_sheets_without_heading"] == {"sheets": "Справка"}


def test_the_error_names_the_sheet_that_lacks_a_column(tmp_path: Path) -> None:
    path = tmp_path / "spend.xlsx"
    path.write_bytes(xlsx({"Янв": [HEADINGS], "Фев": [HEADINGS[:-1]]}))
    with pytest.raises(SheetError, match=r"Month \(Фев\)"):
        importer.import_file(path)


@pytest.mark.parametrize("given", ["0100", "'100", "100.0", "№ 100", "100.mp4", "10О", "\ufeff100"])
def test_spellings_of_an_id_are_the_same_advertisement(tmp_path: Path, given: str) -> None:
    path = tmp_path / "spend.csv"
    path.write_text(text_of(ROW.format("1"), ROW.format("2").replace("100", given, 1)), "utf-8")
    report = prepared(path).report
    assert (report.rows, report.advertisements) == (2, 1)
    [finding] = [each for each in report.findings if each.code == "found_ids_changed"]
    assert "→ 100" in str(finding)


# Start of an entry of a zip file's central directory, up to its flags.
DIRECTORY = b"PK\x01\x02\x14\x03\x14\0"

LAUGHS = (
    b'<!DOCTYPE worksheet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
)

REFUSED = {
    "empty": (b"", "empty"),
    "blank lines only": (b"\n\n\n", "table_no_column"),
    "heading only": (text_of().encode(), "table_no_rows"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "table_document"),
    "prose": ("Уважаемые коллеги,\nво вложении расходы.\n".encode(), "table_no_column"),
    "one endless line": (b"a" * (3 << 20), "table_line"),
    "missing columns": (GOOD.replace("Brand", "B").encode(), "table_missing_column"),
    "duplicate heading": (
        GOOD.replace("Brand", "advertiser").replace("Month", "Brand,Month").encode(),
        "table_duplicate_column",
    ),
    "only bad rows": (text_of(*BAD).encode(), "spend_no_good_rows"),
    "truncated gzip": (gzip.compress(GOOD.encode())[:-12], "table_damaged"),
    "flipped gzip": (
        gzip.compress(GOOD.encode())[:40] + b"\xff" + gzip.compress(GOOD.encode())[41:],
        "table_damaged",
    ),
    "truncated zip": (zipped({"spend.csv": GOOD.encode()})[:-30], "table_damaged"),
    "truncated letter": (GOOD.encode() + "Я".encode()[:1], "table_damaged"),
    "zip without a table": (zipped({"readme.md": b"x"}), "table_archive"),
    "zip of two tables": (zipped({"a.csv": b"x", "b.csv": b"x"}), "table_archive"),
    "zip with a password": (
        # Only the flag is set: the content is not read.
        zipped({"a.csv": b"x"}).replace(DIRECTORY + b"\0", DIRECTORY + b"\1"),
        "table_archive_password",
    ),
    "damaged workbook": (
        with_part(workbook([HEADINGS]), "xl/workbook.xml", b"<workbook"),
        "table_damaged",
    ),
    "workbook of something else": (workbook([["a", "b"], [1, 2]]), "table_no_column"),
    "thousands of roubles": (OFFICE.replace("RUB", "тыс. руб.").encode(), "table_unit"),
    "workbook with entities": (
        with_part(workbook([HEADINGS]), "xl/worksheets/sheet1.xml", LAUGHS),
        "table_damaged",
    ),
    "workbook of zeros": (
        with_part(workbook([HEADINGS]), "xl/worksheets/sheet1.xml", bytes(80 << 20)),
        "table_too_large",
    ),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "table_no_workbook"),
    "gzip of zeros": (gzip.compress(bytes(1 << 20)) * 1024, "table_nul"),
    "gzip of commas": (gzip.compress(b",,,,,,\n" * (1 << 17)) * 100, "table_too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_no_spend_table_are_refused_with_a_reason(name: str, tmp_path: Path) -> None:
    content, code = REFUSED[name]
    path = tmp_path / "spend.csv"
    path.write_bytes(content)
    before = everything()
    with pytest.raises(CodedError) as refused:
        importer.import_file(path)
    assert refused.value.code == code
    assert "%" not in str(refused.value)
    assert "spend_" not in str(refused.value)
    assert everything() == before


def test_a_gigabyte_of_zeros_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "spend.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("spend.csv", "w", force_zip64=True) as file,
    ):
        for _ in range(64):
            file.write(bytes(16 << 20))
    # The peak is that of the process: an earlier test may have needed more.
    Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    before = peak_megabytes()
    with pytest.raises(CodedError) as refused:
        importer.import_file(path)
    assert refused.value.code == "table_too_large"
    assert peak_megabytes() - before < 50


# See proc(5), /proc/pid/clear_refs.
RESET_PEAK = "5"


def peak_megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def test_the_error_names_missing_and_duplicate_columns(tmp_path: Path) -> None:
    path = tmp_path / "spend.csv"
    path.write_text(text_of(heading="Advertisement ID,Advertiser,Year,YEAR,Month,Brand"))
    with pytest.raises(SheetError, match="Media Type, Estimated cost RUB"):
        importer.import_file(path)
    path.write_text(text_of(heading=HEADING + ",year,MONTH"))
    with pytest.raises(SheetError, match="Year, Month"):
        importer.import_file(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CodedError) as refused:
        importer.import_file(tmp_path / "none.csv")
    assert refused.value.code == "table_no_file"


def test_non_ascii_letters_late_in_a_file_decide_its_encoding(tmp_path: Path) -> None:
    """The first 40,000 rows have only Latin letters."""
    path = tmp_path / "spend.csv"
    latin = ["100,SPOTIFY,SPOTIFY,TV,1,2021,3"] * 40_000
    path.write_bytes(text_of(*latin, ROW.format("1")).encode("cp1251"))
    done = importer.import_file(path)
    assert done.report["encoding"] == "cp1251"
    assert BrandLine.objects.filter(advertiser="МАГНИТ").count() == 1
    assert SpendRow.objects.count() == 40_001


def test_costs_with_more_than_four_decimal_places_are_rounded_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "spend.csv"
    path.write_text(text_of(ROW.format("0.12345"), ROW.format("0.12355"), ROW.format("0.1234000")))
    report = prepared(path).report
    assert (report.rounded, report.amount) == (2, Decimal("0.1234") * 2 + Decimal("0.1236"))


def test_a_bad_row_refuses_the_whole_file_in_strict_mode(tmp_path: Path) -> None:
    path = tmp_path / "spend.csv"
    path.write_text(text_of(ROW.format("1"), ROW.format("дорого")), "utf-8")
    with pytest.raises(CodedError) as refused:
        importer.import_file(path, strict=True)
    assert refused.value.code == "spend_bad_rows"
    assert SpendRow.objects.count() == SpendImport.objects.count() == 0
    assert importer.import_file(path).rows == 1


@pytest.mark.timeout(60)  # a search from each space of a run takes minutes
def test_cells_with_long_runs_of_spaces_are_read_in_linear_time(tmp_path: Path) -> None:
    run = " " * 120_000
    path = tmp_path / "spaces.csv"
    path.write_text(
        text_of(f"100,A,a{run}b,TV,1.5,2021,3", *(ROW.format(f"{n}{run}x") for n in range(5))),
        "utf-8",
    )
    reasons = [bad.reason for bad in prepared(path).report.bad_examples]
    assert reasons == [BadRow.Reason.BAD_NAME, *[BadRow.Reason.NOT_A_NUMBER] * 5]


def test_line_breaks_within_names_become_single_spaces(tmp_path: Path) -> None:
    path = tmp_path / "breaks.csv"
    path.write_text(text_of('100,"\n a \r\n\n b  c ",B,TV,1.5,2021,3'), "utf-8")
    imported(path)
    assert BrandLine.objects.get().advertiser == "a b  c"
