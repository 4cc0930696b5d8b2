"""Builders of small tables in all supported formats. ``spend.xls`` was made with xlwt."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook

HEADING = [
    "Advertisement ID", "Advertiser", "Brand", "Media Type", "Estimated cost RUB", "Year", "Month",
]  # fmt: skip
ROWS = [
    ["4297908", "СБЕР", "СБЕРБАНК", "TV Nat", "1234.5", "2024", "1"],
    ["4297909", "АЛЬФА", "АЛЬФА-БАНК", "TV Reg", "2000.25", "2024", "2"],
]
TABLE = [HEADING, *ROWS]
XLS = Path(__file__).resolve().parent.parent / "data" / "spend.xls"

Rows = Sequence[Sequence[Any]]


def csv_text(rows: Rows = TABLE, delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(map(str, row)) + end for row in rows)


def numbers(rows: Rows = ROWS) -> list[list[Any]]:
    """Return the rows with numbers instead of text, as spreadsheets have them."""
    return [[int(r[0]), *r[1:4], float(r[4]), int(r[5]), int(r[6])] for r in rows]


def xlsx(sheets: Mapping[str, Rows] | None = None, hidden: Sequence[str] = ()) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in (sheets or {"Лист1": [HEADING, *numbers()]}).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def parts(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_sheet(data: str, *, prologue: str = "", epilogue: str = "", prefix: str = "") -> bytes:
    """Return a workbook whose sheet has this XML within its ``sheetData`` element."""
    p = f"{prefix}:" if prefix else ""
    space = f":{prefix}" if prefix else ""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{p}worksheet xmlns{space}="http://schemas.'
        f'openxmlformats.org/spreadsheetml/2006/main">{prologue}<{p}sheetData>{data}'
        f"</{p}sheetData>{epilogue}</{p}worksheet>"
    )
    return zipped({**parts(xlsx()), "xl/worksheets/sheet1.xml": text.encode()})


def inline(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def ods(rows: Rows | None = None) -> bytes:
    """Return a minimal ODS spreadsheet."""
    body = ""
    for row in rows or [HEADING, *numbers()]:
        cells = ""
        for cell in row:
            if isinstance(cell, str):
                cells += (
                    '<table:table-cell office:value-type="string">'
                    f"<text:p>{escape(cell)}</text:p></table:table-cell>"
                )
            else:
                cells += f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
        body += f"<table:table-row>{cells}</table:table-row>"
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names}><office:body>'
        f'<office:spreadsheet><table:table table:name="Лист1">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return zipped(
        {
            "mimetype": kind,
            "content.xml": content.encode(),
            "META-INF/manifest.xml": manifest.encode(),
        }
    )


def xlsb(rows: Rows | None = None) -> bytes:
    """Return a minimal XLSB workbook."""

    def record(kind: int, payload: bytes = b"") -> bytes:
        size, number = b"", len(payload)
        while True:
            size += bytes([number & 0x7F | (0x80 if number > 0x7F else 0)])
            number >>= 7
            if not number:
                break
        head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return head + size + payload

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    rows = rows or [HEADING, *numbers()]
    data = record(0x94, struct.pack("<4I", 0, len(rows) - 1, 0, len(rows[0]) - 1)) + record(0x91)
    for number, row in enumerate(rows):
        data += record(0, struct.pack("<I", number) + bytes(21))
        for place, cell in enumerate(row):
            head = struct.pack("<II", place, 0)
            if isinstance(cell, str):
                data += record(6, head + wide(cell))
            else:
                data += record(5, head + struct.pack("<d", cell))
    data += record(0x92)
    sheet = struct.pack("<II", 0, 1) + wide("rId1") + wide("Лист1")
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/worksheet" Target="worksheets/sheet1.bin"/></Relationships>'
    )
    return zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            "xl/workbook.bin": record(0x83) + record(0x9C, sheet) + record(0x90) + record(0x84),
            "xl/_rels/workbook.bin.rels": relation.encode(),
            "xl/worksheets/sheet1.bin": data,
        }
    )


@cache
def every_kind() -> dict[str, bytes]:
    """Return one table in all supported formats (except XLS, see ``XLS``) and encodings, by name.

    "heading again" has the heading and the rows twice.
    """
    text = csv_text()
    office = csv_text([HEADING, *([*r[:4], r[4].replace(".", ","), *r[5:]] for r in ROWS)], ";")
    return {
        "UTF-8": text.encode(),
        "UTF-8 with BOM": text.encode("utf-8-sig"),
        "UTF-16": text.replace(",", "\t").encode("utf-16"),
        "UTF-16 without BOM": text.replace(",", "\t").encode("utf-16-le"),
        "UTF-16 big-endian with BOM": "\ufeff".encode("utf-16-be") + text.encode("utf-16-be"),
        "cp1251": office.encode("cp1251"),
        "cp866": office.encode("cp866"),
        "koi8-r": text.encode("koi8-r"),
        "mac-cyrillic": text.encode("mac-cyrillic"),
        "Windows": text.replace("\n", "\r\n").encode(),
        "old Mac": text.replace("\n", "\r").encode(),
        "tabs": text.replace(",", "\t").encode(),
        "vertical bars": text.replace(",", "|").encode(),
        "sep": f"sep=;\n{office}".encode(),
        "title": f"Отчёт\n\nПериод: 2024\n{text}".encode(),
        "heading again": f"{text}\ufeff{text}".encode(),
        "gzip": gzip.compress(text.encode()),
        "zip": zipped({"t.csv": office.encode("cp1251"), "__MACOSX/t.csv": b"\0"}),
        "xlsx": xlsx(),
        "xlsx in a zip": zipped({"t.xlsx": xlsx()}),
        "xlsx in a gzip": gzip.compress(xlsx()),
        "two sheets": xlsx({str(n): [HEADING, *numbers([row])] for n, row in enumerate(ROWS)}),
        "ods": ods(),
        "xlsb": xlsb(),
    }
