"""CSV tables are lengthened where they stand: not a byte that is not ours changes."""

from __future__ import annotations

import io

import pytest

from creativefilter.tables import csv_files
from creativefilter.tables.layout import key_of, number_as_text
from tests.tables.table_files import answered, bytes_of, labelled, refused, silent, stored

pytestmark = pytest.mark.django_db
TITLES = "Segment_num{0}Segment{0}probability{0}reviewed{0}status"


def test_a_table_of_a_russian_office() -> None:
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
            b"\xef\xbb\xbfAdvertisement ID,a\n1,\xff\n",  # a byte that is no letter
            b"\xef\xbb\xbfAdvertisement ID,a,%b\n1,\xff,,,,,unknown\n",
        ),
        (b"a\tadvertisement_id\r1\t2\r3\t4", b"a\tadvertisement_id\t%b\r1\t2%b\r3\t4%b"),
        (b'Advertisement ID,n\n1,5" screen\n2,"open\n', None),
        (b"Advertisement ID\n1\n", b"Advertisement ID,%b\n1,,,,,unknown\n"),
        (b"Advertisement ID,a\n1,2,3,4\n5\n", b"Advertisement ID,a,,,%b\n1,2,3,4%b\n5,,,%b\n"),
    ],
)
def test_bytes_that_are_not_ours_stay(before: bytes, after: bytes | None) -> None:
    answer = bytes_of(answered(before))
    delimiter = "\t" if b"\t" in before else ","
    titles = TITLES.format(delimiter).encode()
    unknown = (delimiter * 5 + "unknown").encode()
    if after is None:
        after = b'Advertisement ID,n,%b\n1,5" screen,,,,,unknown\n2,"open,,,,,unknown\n'
    filled = after.replace(b"%b", titles, 1).replace(b"%b", unknown)
    assert answer == filled


def test_columns_of_these_names_are_overwritten_where_they_stand() -> None:
    silent("1")
    content = b"status,Advertisement ID,Status,Segment_num\nold,1,own,99\nold,2,own,98\n"
    assert bytes_of(answered(content)).decode().splitlines() == [
        "status,Advertisement ID,Status,Segment_num,Segment,probability,reviewed",
        "no_speech,1,own,,,,no",
        "unknown,2,own,,,,",
    ]


def test_a_long_table_is_never_held_as_a_whole() -> None:
    """What is read of a file at a time does not grow with it."""
    rows = 3 * csv_files.ROWS + 1
    content = b"Advertisement ID,n\n" + b"".join(b"9,%d\n" % number for number in range(rows))
    sizes: list[int] = []
    layout = csv_files.survey(io.BytesIO(content), lambda cells, done: sizes.append(len(cells)))
    assert sizes == [csv_files.ROWS] * 3 + [1]
    assert layout.width == 2
    stored("9", 12)
    lines = bytes_of(answered(content)).splitlines()
    assert len(lines) == rows + 1
    assert lines[-1] == f"9,{rows - 1},12,Кредитные карты,0.9,no,ok".encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("Advertisement ID;a\n1;2\n".encode("utf-16"), "table_utf16"),
        (b"a;b\n1;2\n", "table_no_column"),
        (b"\0\1\2" * 100, "table_not_a_table"),
        (b"Advertisement ID\n" + b"1" * (csv_files.MAX_LINE + 2), "table_not_a_table"),
        (b"PK" + bytes(200), "table_damaged"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, code: str) -> None:
    assert refused(content) == code


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        (" 123 ", "123"), ("123.0", "123"), ("123,00", "123"), ("4\u00a0297\u00a0908", "4297908"),
        ("00123", "00123"), ("", ""), ("  ", ""), ("1.23E+07", None), ("1,23457E+11", None),
        ("4.297908E+06", "4297908"), ("1E3", None), ("нет", "нет"), ("x" * 99, "x" * 64),
    ],
)  # fmt: skip
def test_ids_as_they_are_written(cell: str, key: str | None) -> None:
    assert key_of(cell) == key


@pytest.mark.parametrize(
    ("stored_as", "text"),
    [("1.23E+7", "12300000"), ("123.0", "123"), ("00123", "00123"), ("1.5", "1.5"), ("x", "x")],
)
def test_numbers_of_workbooks_are_whole(stored_as: str, text: str) -> None:
    assert number_as_text(stored_as) == text


def test_leading_zeros_count_where_they_are_known() -> None:
    stored("007", 12)
    stored("7", 3)
    stored("8", 4)
    answer = bytes_of(answered(b"Advertisement ID,n\n007,\n7,\n0008,\n")).decode()
    assert [line.split(",")[2] for line in answer.splitlines()[1:]] == ["12", "3", "4"]
