"""All file formats give the same cells; other files are refused."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from creativefilter import sheets
from creativefilter.sheets import limits, other_workbooks
from tests.sheets.reading import findings, refusal, rows
from tests.sheets.sheet_files import (
    HEADING,
    ROWS,
    XLS,
    csv_text,
    every_kind,
    numbers,
    ods,
    parts,
    xlsb,
    xlsx,
    zipped,
)

KINDS = every_kind()


@pytest.mark.parametrize("kind", KINDS)
def test_all_formats_give_the_same_cells(kind: str) -> None:
    found = [[str(cell).replace(",", ".") for cell in row] for _line, row in rows(KINDS[kind])]
    assert found == (ROWS * 2 if kind == "heading again" else ROWS)


def test_the_file_name_does_not_matter(tmp_path: Path) -> None:
    for name, content in (("t.csv", xlsx()), ("t.xlsx", csv_text().encode()), ("t", ods())):
        (tmp_path / name).write_bytes(content)
        with sheets.opened(tmp_path / name) as document:
            [table] = document.only().tables
            assert len(list(table.rows())) == 2


def test_xls_is_read_and_skipped_sheets_are_named() -> None:
    content = XLS.read_bytes()
    assert rows(content) == [
        (4, ["4297908", "СБЕР", "СБЕРБАНК", "TV Nat", 1234.5, "2024", "1"]),
        (5, ["0004297909", "АЛЬФА", "АЛЬФА-БАНК", "TV Reg", 2000.25, "2024", "2"]),
    ]
    found = findings(content)
    assert found["found_sheets_hidden"] == {"sheets": "Старое"}
    assert found["found_sheets_without_heading"] == {"sheets": "Заметки"}
    assert found["found_titles"] == {"count": 1, "text": "Отчёт"}


def test_all_sheets_with_a_heading_are_read_and_others_named() -> None:
    content = xlsx(
        {
            "Янв": [["Отчёт"], HEADING, *numbers(ROWS[:1])],
            "Фев": [["Brand", "Advertisement ID"], ["АЛЬФА", 7]],
            "Справка": [["a"], ["b"]],
            "Старое": [HEADING, *numbers()],
        },
        hidden=["Старое"],
    )
    assert [line for line, _cells in rows(content)] == [3, 2]
    with sheets.opened(io.BytesIO(content)) as document:
        tables = document.only().tables
        assert [table.name for table in tables] == ["Янв", "Фев"]
        assert [next(table.rows())[1][-1] for table in tables] == ["1", "7"]
    found = findings(content)
    assert found["found_sheets"] == {"sheets": "Янв, Фев"}
    assert found["found_sheets_without_heading"] == {"sheets": "Справка"}
    assert found["found_sheets_hidden"] == {"sheets": "Старое"}


PDF = b"%PDF-1.4\n1 0 obj\n"
LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
# Beginning of an entry in a ZIP directory, up to its flags.
DIRECTORY = b"PK\x01\x02\x14\x03\x14\0"
FLAGGED = zipped({"a.csv": b"x"}).replace(DIRECTORY + b"\0", DIRECTORY + b"\1")
LAUGHS = (
    b'<!DOCTYPE worksheet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><worksheet xmlns="http://'
    b'schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="'
    b'inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
)
SHEET = "xl/worksheets/sheet1.xml"


def overlong() -> bytes:
    """Return an archive whose directory states 3 GiB for a small member."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("t.csv", csv_text())
        archive.infolist()[0].file_size = 3 << 30
    return target.getvalue()


REFUSED = {
    "empty": (b"", "empty"),
    "blank lines": (b"\n\n\n", "table_no_column"),
    "blank gzip": (gzip.compress(b""), "empty"),
    "prose": ("Уважаемые коллеги,\nво вложении расходы.\n".encode(), "table_no_column"),
    "no column of ids": (csv_text([["a", "b"], [1, 2]]).encode(), "table_no_column"),
    "workbook with a password": (LOCKED, "table_password"),
    "damaged old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "table_no_workbook"),
    "truncated old Excel": (XLS.read_bytes()[:-512], "table_damaged"),
    "old Excel, changed": (
        XLS.read_bytes().replace(b"\x09\x08\x10\0", b"\xff" * 4), "table_unreadable"
    ),
    "xlsb without sheets": (
        zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.bin": b"\x83\x01\0"}),
        "table_no_workbook",
    ),
    "workbook that is none": (zipped({"xl/workbook.xml": b"<workbook/>"}), "table_no_workbook"),
    "locked spreadsheet": (
        zipped({**parts(ods()), "META-INF/manifest.xml": b"<encryption-data/>"}),
        "table_password",
    ),
    "text document": (
        zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"x"}),
        "table_document",
    ),
    "Word": (
        zipped({"[Content_Types].xml": b"x", "word/document.xml": b"x"}), "table_document"
    ),
    "HTML": (b"<html><table><tr><td>1</td></tr></table></html>", "table_html"),
    "HTML in UTF-16": ("\ufeff<!DOCTYPE html><html>".encode("utf-16-le"), "table_html"),
    "XML of Excel 2003": (
        b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns='
        b'"urn:schemas-microsoft-com:office:spreadsheet">',
        "table_excel_xml",
    ),
    "PDF": (PDF, "table_pdf"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "table_packed"),
    "RAR": (b"Rar!\x1a\x07\x01\0", "table_packed"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "table_document"),
    "zero bytes": (csv_text().encode() + b"\0" * 20, "table_nul"),
    "zero bytes and no heading": (b"a,b\n\0,1\n", "table_nul"),
    "an endless line": (b"Advertisement ID," + b"a" * (3 << 20), "table_line"),
    "half a letter": (csv_text().encode() + "Я".encode()[:1], "table_damaged"),
    "half a letter of UTF-16": (csv_text().encode("utf-16")[:-1], "table_damaged"),
    "truncated gzip": (gzip.compress(csv_text().encode())[:-12], "table_damaged"),
    "truncated zip": (zipped({"t.csv": csv_text().encode()})[:-30], "table_damaged"),
    "truncated workbook": (xlsx()[:3000], "table_damaged"),
    "truncated sheet": (
        zipped({**parts(xlsx()), SHEET: parts(xlsx())[SHEET][:-40]}), "table_damaged"
    ),
    "entities": (zipped({**parts(xlsx()), SHEET: LAUGHS}), "table_damaged"),
    "no tables in a zip": (zipped({"readme.md": b"x"}), "table_archive"),
    "two tables in a zip": (zipped({"a.csv": b"x", "b.csv": b"x"}), "table_archive"),
    "zip in a zip in a zip": (
        zipped({"t.xlsx": zipped({"t.xlsx": zipped({"t.csv": b"x"})})}), "table_archive"
    ),
    "zip with a password": (FLAGGED, "table_archive_password"),
    "gzip of commas": (gzip.compress(b",,,,,,\n" * (1 << 17)) * 100, "table_too_large"),
    "workbook of zeros": (zipped({**parts(xlsx()), SHEET: bytes(80 << 20)}), "table_too_large"),
    "a size that is a lie": (overlong(), "table_too_large"),
    "two columns of ids": (
        csv_text([["Advertisement ID", "ID рекламы"], [1, 2]]).encode(), "table_ambiguous"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_unusable_files_are_refused_with_a_reason(name: str) -> None:
    content, code = REFUSED[name]
    assert refusal(content) == code


@pytest.mark.parametrize("far", [1_048_573, 1_400])
def test_a_cell_in_the_last_corner_of_an_ods_is_refused(far: int) -> None:
    """python-calamine would allocate the blank cells before it, too."""
    repeated = (
        f'<table:table-row table:number-rows-repeated="{far}"><table:table-cell/>'
        '</table:table-row><table:table-row><table:table-cell table:number-columns-repeated="16383'
        '"/><table:table-cell office:value-type="float" office:value="1"/></table:table-row>'
        "</table:table>"
    )
    content = parts(ods([["Advertisement ID"], [1]]))
    content["content.xml"] = content["content.xml"].replace(b"</table:table>", repeated.encode())
    assert refusal(zipped(content)) in ("table_needs_memory", "table_unreadable")


def test_a_workbook_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_workbooks, "_limit", lambda memory: None)
    monkeypatch.setattr(limits, "OTHER_SECONDS", 0.001)
    assert refusal(ods([["Advertisement ID"], [1]])) == "table_needs_memory"


def test_a_workbook_with_too_much_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OTHER_OUTPUT", 10)
    assert refusal(ods([["Advertisement ID"], [1]])) == "table_needs_memory"


def test_a_cell_in_the_last_corner_of_an_xlsx_is_ignored() -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"], book.active["A2"], book.active["XFD1048576"] = "Advertisement ID", 7, "x"
    file = io.BytesIO()
    book.save(file)
    assert rows(file.getvalue()) == [(2, ["7"])]


@pytest.mark.parametrize("make", [lambda: csv_text().encode(), xlsx, ods, xlsb, XLS.read_bytes])
def test_truncated_files_are_read_or_refused(make: object) -> None:
    content = make()  # type: ignore[operator]
    for end in range(0, len(content), max(1, len(content) // 23)):
        refusal(content[:end])


def test_a_single_zero_byte_is_a_finding() -> None:
    content = csv_text().replace("СБЕР,", "СБ\0ЕР,").encode()
    assert rows(content)[0][1][1] == "СБ\0ЕР"
    assert findings(content)["found_zero_bytes"] == {"count": 1}


def test_a_missing_file_has_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(sheets.SheetError) as refused, sheets.opened(tmp_path / "none.csv"):
        pass
    assert refused.value.code == "table_no_file"


def test_exceptions_of_the_client_pass_unchanged() -> None:
    """Only exceptions of reading become ``SheetError``."""
    content = io.BytesIO(csv_text().encode())
    with pytest.raises(KeyError), sheets.opened(content) as document:
        raise KeyError(document.only().delimiter)
