"""Randomly changed files are read or refused, without exceptions of libraries."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from creativefilter import sheets
from creativefilter.sheets import rewrite
from creativefilter.sheets.xlsx_package import is_date_format
from tests.sheets.sheet_files import csv_text, every_kind, inline, parts, with_sheet, xlsx, zipped

PIECES = [
    b'"',
    b'""',
    b"\n",
    b"\r",
    b",",
    b";",
    b"\xef\xbb\xbf",
    b"<row>",
    b"<!--",
    b'"\n"',
]
# Formats whose reader starts a process for each file.
SLOW = ("ods", "xlsb")


def changed(chance: random.Random, content: bytes) -> bytes:
    """Return the content with a few bytes changed, removed, added or repeated."""
    data = bytearray(content)
    for _change in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.randrange(40)]
            case 2:
                data[at:at] = chance.choice(PIECES)
            case 3:
                start = chance.randrange(len(data) + 1)
                data[at:at] = data[start : start + chance.randrange(200)]
            case _:
                data[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
    return bytes(data)


def changed_inside(chance: random.Random, content: bytes) -> bytes:
    """Return a valid archive with one of its members changed."""
    members = parts(content)
    name = chance.choice(sorted(members))
    return zipped({**members, name: changed(chance, members[name])})


def use(content: bytes) -> None:
    """Read all rows and findings, and fill in the table."""
    with sheets.opened(io.BytesIO(content)) as document:
        for reading in document.readings:
            for table in reading.tables:
                for line, cells in table.rows():
                    assert line > 0
                    "".join(map(str, cells)).encode()
            "".join(map(str, reading.findings())).encode()
    plan = rewrite.plan(io.BytesIO(content), ("a", "b"), lambda keys, done: None)
    target = io.BytesIO()
    rewrite.write(io.BytesIO(content), plan, target, lambda keys, done: [("x", 1)] * len(keys))


WAYS = [(kind, changed) for kind in every_kind()] + [
    (kind, changed_inside)
    for kind, content in every_kind().items()
    if zipfile.is_zipfile(io.BytesIO(content))
]


@pytest.mark.parametrize(("kind", "change"), WAYS)
def test_changed_files_are_read_or_refused(
    kind: str, change: Callable[[random.Random, bytes], bytes]
) -> None:
    content = every_kind()[kind]
    chance = random.Random(kind)
    for _number in range(2 if kind in SLOW else 15):
        try:
            use(change(chance, content))
        except sheets.SheetError as error:
            str(error).encode()


@pytest.mark.parametrize(
    "make", [lambda rows: csv_text(rows).encode(), lambda rows: xlsx({"1": rows})]
)
def test_thousands_of_id_columns_give_few_readings(make: Any) -> None:
    """Regression: every ID column gave a reading, and each reading contained all columns."""
    with sheets.opened(io.BytesIO(make([["Advertisement ID"] * 5000, [7] * 5000]))) as document:
        assert 2 <= len(document.readings) <= 40
        with pytest.raises(sheets.SheetError):
            document.only()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bzip2_and_lzma_members_are_read_or_refused_if_damaged(method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("t.csv", csv_text() * 20)
    use(file.getvalue())
    content = bytearray(file.getvalue())
    content[60:90] = b"\xff" * 30
    with pytest.raises(sheets.SheetError):
        use(bytes(content))


@pytest.mark.timeout(60)  # each would take many minutes if a search started at every piece
@pytest.mark.parametrize("piece", ["<!--", "<![CDATA[", "<row>"])
def test_unclosed_pieces_are_refused_in_linear_time(piece: str) -> None:
    with pytest.raises(sheets.SheetError):
        use(with_sheet(piece * 200_000))


@pytest.mark.timeout(60)
def test_a_long_comment_is_copied_in_linear_time() -> None:
    heading = f'<row r="1">{inline("A1", "Advertisement ID")}</row>'
    use(with_sheet(heading, prologue="<!-- " + "<dimension " * 200_000 + "-->"))


@pytest.mark.timeout(60)
def test_a_number_format_of_many_brackets_is_read_in_linear_time() -> None:
    assert is_date_format("[" * 500_000 + "yyyy")
