"""Filling in of tables: everything but the new cells stays unchanged, byte for byte."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from creativefilter.sheets import Broken, SheetError, rewrite
from tests.sheets.reading import rows
from tests.sheets.sheet_files import (
    HEADING,
    XLS,
    csv_text,
    every_kind,
    numbers,
    parts,
    xlsx,
    zipped,
)

TITLES = ("answer", "share")


def filled(content: bytes) -> bytes:
    """Fill in a table; the answer to each row is its key."""

    def answer(keys: list[rewrite.Key], done: float) -> list[tuple[Any, ...]]:
        assert 0 <= done <= 1
        return [(key.code if isinstance(key, Broken) else f"={key}", 0.25) for key in keys]

    reported: list[Any] = []
    plan = rewrite.plan(io.BytesIO(content), TITLES, lambda keys, done: reported.extend(keys))
    plan = rewrite.Plan.of(json.loads(json.dumps(plan.as_json())))
    target = io.BytesIO()
    rewrite.write(io.BytesIO(content), plan, target, answer)
    assert len(reported) == len(rows(content))
    return target.getvalue()


WITHOUT_ANSWERS = ("ods", "xlsb")


@pytest.mark.parametrize("kind", [kind for kind in every_kind() if kind not in WITHOUT_ANSWERS])
def test_every_row_gets_its_answer_in_formats_that_can_be_filled_in(kind: str) -> None:
    content = every_kind()[kind]
    before, after = rows(content), rows(filled(content))
    assert [line for line, _row in after] == [line for line, _row in before]
    for (_line, old), (_same, new) in zip(before, after, strict=True):
        assert new[:7] == old
        assert new[7] in (f"={old[0]}", f"'={old[0]}")


@pytest.mark.parametrize(
    "content",
    [every_kind()["ods"], every_kind()["xlsb"], XLS.read_bytes()],
    ids=["ods", "xlsb", "xls"],
)
def test_other_workbooks_are_not_filled_in(content: bytes) -> None:
    with pytest.raises(SheetError) as refused:
        filled(content)
    assert refused.value.code == "table_kind"


def numbers_for(keys: list[rewrite.Key], done: float) -> list[tuple[Any, ...]]:
    return [(8.5, None)] * len(keys)


@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf", b'Report\n\n"x\ny"\r\n', b"sep=,\n"])
def test_other_bytes_stay_unchanged(head: bytes) -> None:
    """Fill in random letters, undecodable bytes, quotation marks and line ends."""
    chance = random.Random(3)
    signs = [b"a", "Я".encode("cp1251"), "Я".encode(), b"\x98", b'"', b"\r\n", b"\n", b" ", b"7"]
    written = 0
    for number in range(200):
        body = b"".join(chance.choices(signs, k=chance.randrange(120)))
        content = head + b"Advertisement ID\r\n" + body
        target = io.BytesIO()
        with contextlib.suppress(SheetError):
            plan = rewrite.plan(io.BytesIO(content), ("@", "@"), lambda keys, done: None)
            rewrite.write(io.BytesIO(content), plan, target, numbers_for)
            written += 1
        answer = target.getvalue()
        for added in (b",@,@", b";@;@", b",'@,'@", b";'@;'@", b",8.5,", b";8,5;"):
            answer = answer.replace(added, b"")
        assert answer == (content if target.getvalue() else b""), number
    # The other files are refused because their encoding is ambiguous.
    assert written > 130


def test_broken_lines_are_filled_in_too() -> None:
    content = b'Advertisement ID,n\n1,"open\n2,3,4\n\n5\n'
    assert filled(content).decode().splitlines() == [
        "Advertisement ID,n,,answer,share",
        '1,"open,,row_quote,0.25',
        "2,3,4,row_many_cells,0.25",
        "",
        "5,,,'=5,0.25",
    ]


@pytest.mark.parametrize("packed", [gzip.compress, lambda content: zipped({"t.csv": content})])
def test_progress_of_a_packed_table_follows_its_rows(packed: Callable[[bytes], bytes]) -> None:
    content = packed(csv_text([HEADING, *numbers() * 10_000]).encode())
    read: list[float] = []
    written: list[float] = []

    def answer(keys: list[rewrite.Key], done: float) -> list[tuple[Any, ...]]:
        written.append(done)
        return [(1, 1)] * len(keys)

    plan = rewrite.plan(io.BytesIO(content), TITLES, lambda keys, done: read.append(done))
    rewrite.write(io.BytesIO(content), plan, io.BytesIO(), answer)
    assert written == pytest.approx(read, abs=0.05)
    assert read[0] < 0.2
    assert read[-1] == 1


def test_a_repeated_heading_gets_the_new_titles() -> None:
    content = csv_text([HEADING, *numbers(), HEADING, *numbers()]).encode()
    lines = filled(content).decode().splitlines()
    assert lines[0] == lines[3] == ",".join(HEADING) + ",answer,share"
    sheet = xlsx({"1": [HEADING, *numbers(), HEADING, *numbers()]})
    assert [row[-2:] for row in _rows(filled(sheet))][3] == ("answer", "share")


def test_only_sheets_with_a_heading_are_filled_in() -> None:
    content = xlsx(
        {"1": [HEADING, *numbers()], "x": [["a"]], "2": [["Отчёт"], HEADING[:2], [5, "B"]]}
    )
    before, after = parts(content), parts(filled(content))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"xl/worksheets/sheet1.xml", "xl/worksheets/sheet3.xml"}
    assert _rows(filled(content), 2) == [
        ("Отчёт", None, None, None),
        ("Advertisement ID", "Advertiser", "answer", "share"),
        (5, "B", "=5", 0.25),
    ]


def test_new_text_in_a_workbook_is_typed_as_text() -> None:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(filled(xlsx())))
    assert [cell.data_type for cell in book.active["H"][1:]] == ["s", "s"]
    assert book.active["H2"].value == "=4297908"


def test_a_workbook_with_macros_is_not_filled_in() -> None:
    with pytest.raises(SheetError) as refused:
        filled(zipped({**parts(xlsx()), "xl/vbaProject.bin": b"x"}))
    assert refused.value.code == "table_macros"


def _rows(content: bytes, sheet: int = 0) -> list[tuple[Any, ...]]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content))
    return list(book.worksheets[sheet].iter_rows(values_only=True))
