"""Classified CSV tables: cells are appended, all other bytes stay unchanged."""

from __future__ import annotations

import io

import pytest

from creativefilter.sheets import limits, rewrite, rewrite_csv
from creativefilter.tables.answers import ADDED
from tests.tables.table_files import answered, bytes_of, labelled, refused, silent, stored

pytestmark = pytest.mark.django_db
TITLES = "Segment_num{0}Segment{0}probability{0}reviewed{0}status"


def test_a_cp1251_table_with_semicolons() -> None:
    stored("100", 12, probability=0.5)
    labelled(stored("200"), 12)
    content = (
        "Отчёт за ноябрь\r\n"
        "Бренд;Advertisement ID;Сумма\r\n"
        '"Ёлка; и ""Ко""";100;"1 000,50"\r\n'
        "\r\n"
        "Две\r\n"
        ";200\r\n"
        '"в две\r\nстроки";300;x'
    )
    answer = bytes_of(answered(content.encode("cp1251"))).decode("cp1251")
    assert answer == (
        "Отчёт за ноябрь\r\n"
        f"Бренд;Advertisement ID;Сумма;{TITLES.format(';')}\r\n"
        '"Ёлка; и ""Ко""";100;"1 000,50";12;Кредитные карты;0,5;no;ok\r\n'
        "\r\n"
        "Две;;;;;;;blank\r\n"
        ";200;;12;Кредитные карты;;yes;ok\r\n"
        '"в две\r\nстроки";300;x;;;;;unknown'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b"\xef\xbb\xbfAdvertisement ID,a\n1,\xff\n",  # an undecodable byte
            b"\xef\xbb\xbfAdvertisement ID,a,%b\n1,\xff,,,,,unknown\n",
        ),
        (b"a\tadvertisement_id\r1\t2\r3\t4", b"a\tadvertisement_id\t%b\r1\t2%b\r3\t4%b"),
        (b'Advertisement ID,n\n1,5" screen\n2,"open\n', None),
        (b"Advertisement ID\n1\n", b"Advertisement ID,%b\n1,,,,,unknown\n"),
        (
            b"Advertisement ID,a\n1,2,3,4\n5\n",
            b"Advertisement ID,a,,,%b\n1,2,3,4,,,,,broken\n5,,,%b\n",
        ),
    ],
)
def test_other_bytes_stay_unchanged(before: bytes, after: bytes | None) -> None:
    answer = bytes_of(answered(before))
    delimiter = "\t" if b"\t" in before else ","
    titles = TITLES.format(delimiter).encode()
    unknown = (delimiter * 5 + "unknown").encode()
    if after is None:
        after = b'Advertisement ID,n,%b\n1,5" screen,,,,,unknown\n2,"open,,,,,broken\n'
    filled = after.replace(b"%b", titles, 1).replace(b"%b", unknown)
    assert answer == filled


def test_columns_with_the_same_titles_are_replaced() -> None:
    silent("1")
    content = b"status,Advertisement ID,Status,Segment_num\nold,1,own,99\nold,2,own,98\n"
    assert bytes_of(answered(content)).decode().splitlines() == [
        "status,Advertisement ID,Status,Segment_num,Segment,probability,reviewed",
        "no_speech,1,own,,,,no",
        "unknown,2,own,,,,",
    ]


def test_a_long_table_is_read_in_batches() -> None:
    """The number of rows in memory does not grow with the file."""
    rows = 3 * rewrite_csv.ROWS + 1
    content = b"Advertisement ID,n\n" + b"".join(b"9,%d\n" % number for number in range(rows))
    sizes: list[int] = []
    plan = rewrite.plan(io.BytesIO(content), ADDED, lambda keys, done: sizes.append(len(keys)))
    assert sizes == [rewrite_csv.ROWS] * 3 + [1]
    assert plan.width == 2
    stored("9", 12)
    lines = bytes_of(answered(content)).splitlines()
    assert len(lines) == rows + 1
    assert lines[-1] == f"9,{rows - 1},12,Кредитные карты,0.9,no,ok".encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a;b\n1;2\n", "table_no_column"),
        (b"\0\1\2" * 100, "table_nul"),
        (b"Advertisement ID\n" + b"1" * (limits.MAX_LINE + 2), "table_line"),
        (b"Advertisement ID,ID advertisement\n1,2\n", "table_ambiguous"),
        (b"PK" + bytes(200), "table_damaged"),
    ],
)
def test_files_that_are_no_table_are_refused(content: bytes, code: str) -> None:
    assert refused(content) == code


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        (" 123 ", "ok"), ("123.0", "ok"), ("\"123,00\"", "ok"), ("00123", "ok"), ("№ 123", "ok"),
        ("123.mp4", "ok"), ("12З", "ok"), ("1.23E+02", "ok"), ("", "blank"), ("  ", "blank"),
        ("1.23E+07", "shortened"), ("1E3", "shortened"), ("нет", "unknown"), ("x" * 99, "unknown"),
    ],
)  # fmt: skip
def test_spellings_of_ids(cell: str, status: str) -> None:
    stored("123", 12)
    answer = bytes_of(answered(f"n,Advertisement ID\nx,{cell}\n".encode())).decode()
    assert answer.splitlines()[1].endswith(f",{status}")


def test_a_utf16_table_stays_utf16() -> None:
    stored("7", 12)
    content = "\ufeffAdvertisement ID\tБренд\r\n7\tЁлка\r\n".encode("utf-16-le")
    answer = bytes_of(answered(content)).decode("utf-16-le")
    titles = TITLES.format("\t")
    assert answer == (
        f"\ufeffAdvertisement ID\tБренд\t{titles}\r\n7\tЁлка\t12\tКредитные карты\t0.9\tno\tok\r\n"
    )


def test_leading_zeros_of_ids_are_ignored() -> None:
    stored("7", 3)
    stored("8", 4)
    table = answered(b"Advertisement ID,n\n007,\n7,\n0008,\n")
    answer = bytes_of(table).decode()
    assert [line.split(",")[2] for line in answer.splitlines()[1:]] == ["3", "3", "4"]
    assert "007 → 7, 0008 → 8" in str(table.findings[-1])
