"""Small files that the clients read differently before they shared one reader."""

from __future__ import annotations

import gzip

from tests.sheets.clients import HEADING, ROWS, TEXT, row
from tests.sheets.sheet_files import csv_text, ods, xlsb, xlsx, zipped

LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
OFFICE = csv_text([HEADING, *[[str(c).replace(".5", ",5") for c in r] for r in ROWS]], ";")
TABLE = [HEADING, *ROWS]
FORMS = {
    "0004297908": 4297908, "'4297909": 4297909, "№ 4297910": 4297910, "4297911.mp4": 4297911,
    "429791З": 4297913, "\ufeff4297914": 4297914,
}  # fmt: skip


def inserted(line: int, text: str) -> bytes:
    lines = TEXT.splitlines(keepends=True)
    return "".join([*lines[:line], text, *lines[line:]]).encode()


# By kind: file name and content. The first 18 come from a code review.
FILES: dict[str, tuple[str, bytes]] = {
    "workbook with a password": ("t.xlsx", LOCKED),
    "head of an old Excel file": ("t.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "heading in lower case": ("t.csv", TEXT.replace("Ad", "ad", 1).replace("Seg", "seg").encode()),
    "blank first line": ("t.csv", inserted(0, "\n")),
    "space behind a heading": ("t.csv", TEXT.replace("ID,", "ID ,", 1).encode()),
    "title line above the heading": ("t.csv", inserted(0, "Отчёт за 2024\n")),
    "UTF-16": ("t.csv", TEXT.replace(",", "\t").encode("utf-16")),
    "one byte 0x98": ("t.csv", OFFICE.encode("cp1251").replace("СБЕР;".encode("cp1251"), b"\x98;")),
    "unclosed quotation mark": ("t.csv", inserted(2, '4297910,"open,B,TV,1,2024,1,12,Текст 1,f\n')),
    "extra cell in the first row": ("t.csv", TEXT.replace(".mp4\n", ".mp4,x\n", 1).encode()),
    "xlsx named csv": ("t.csv", xlsx({"1": TABLE})),
    "csv named xlsx": ("t.xlsx", TEXT.encode()),
    "table on the second sheet": ("t.xlsx", xlsx({"Содержание": [["x"]], "Данные": TABLE})),
    "csv.gz": ("t.csv.gz", gzip.compress(TEXT.encode())),
    "cp1251, semicolons": ("t.csv", OFFICE.encode("cp1251")),
    "cp866": ("t.csv", OFFICE.encode("cp866")),
    "plain csv": ("t.csv", TEXT.encode()),
    "plain xlsx": ("t.xlsx", xlsx({"1": TABLE})),
    # Further files of the kinds that offices have.
    "koi8-r": ("t.csv", TEXT.encode("koi8-r")),
    "vertical bars": ("t.csv", TEXT.replace(",", "|").encode()),
    "sep=": ("t.csv", f"sep=;\n{OFFICE}".encode()),
    "Russian headings": (
        "t.csv",
        TEXT.replace(
            ",".join(HEADING),
            "ID рекламы,Рекламодатель,Бренд,Медиа,Стоимость,Год,Месяц,Номер сегмента,Текст,Файл",
        ).encode(),
    ),
    "line breaks in cells": (
        "t.csv", TEXT.replace("СБЕР,", '"СБЕР\nБАНК",').replace("Brand", '"Brand\n"').encode()
    ),
    "heading again": ("t.csv", inserted(2, "\ufeff" + ",".join(HEADING) + "\n")),
    "lines of another encoding": ("t.csv", inserted(3, "") + csv_text([row(7)]).encode("cp1251")),
    "cell beyond every measure": ("t.csv", inserted(2, f"4297910,{'x' * 140_000}\n")),
    "blank and short lines": ("t.csv", inserted(2, "\n,,,\n   \n")),
    "several sheets": ("t.xlsx", xlsx({"Янв": [HEADING, row(1)], "Фев": [[], HEADING, row(2)]})),
    "a hidden sheet": ("t.xlsx", xlsx({"1": TABLE, "Старое": TABLE}, hidden=["Старое"])),
    "ids in many forms": (
        "t.csv",
        csv_text([HEADING, *[[form, *row(number)[1:]] for form, number in FORMS.items()]]).encode(),
    ),
    "ids that a spreadsheet has rounded": (
        "t.xlsx", xlsx({"1": [HEADING, *ROWS, [1234567890123456789, *row(3)[1:]]]})
    ),
    "zip of a workbook": ("t.zip", zipped({"Расходы.xlsx": xlsx({"1": TABLE})})),
    "zip of two tables": ("t.zip", zipped({"a.csv": b"x", "b.csv": b"x"})),
    "two columns of ids": ("t.csv", TEXT.replace("Advertiser", "ID рекламы", 1).encode()),
    "HTML named xls": ("t.xls", b"<html><table><tr><td>Advertisement ID</td></tr></table></html>"),
    "PDF": ("t.csv", b"%PDF-1.4\n"),
    "7z": ("t.csv", b"7z\xbc\xaf\x27\x1c\0\4"),
    "empty": ("t.csv", b""),
    "no column of ids": ("t.csv", b"a,b\n1,2\n"),
    "damaged workbook": ("t.xlsx", xlsx({"1": TABLE})[:3000]),
}  # fmt: skip

# ``predict_table`` fills in the uploaded file, which works for CSV and XLSX only.
NOT_FILLED_IN: dict[str, tuple[str, bytes]] = {
    "ods": ("t.ods", ods([HEADING, *ROWS])),
    "xlsb": ("t.xlsb", xlsb([HEADING, *ROWS])),
}
