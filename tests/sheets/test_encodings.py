"""Small tables of short names in old encodings: read right or asked about, never wrong."""

from __future__ import annotations

import random

import pytest

from creativefilter.sheets import SheetError, encodings
from tests.sheets.names import NAMES
from tests.sheets.reading import cells, findings, refusal, rows

TABLES = 600


def table(chance: random.Random, names: list[str]) -> str:
    heading = chance.choice(
        ["Advertisement ID;Brand;Cost", "Advertisement ID;Brand;Cost", "ID рекламы;Бренд;Стоимость"]
    )
    case = chance.choice([str.upper, str.upper, str, str.lower])
    body = "".join(f"42979{n:02};{case(name)};{n}50.5\n" for n, name in enumerate(names))
    return f"{heading}\n{body}"


def test_no_name_is_read_wrong_and_few_files_are_asked_about() -> None:
    chance = random.Random(11)
    wrong, asked = [], dict.fromkeys(encodings.OLD_ENCODINGS, 0)
    for number in range(TABLES):
        names = chance.choices(NAMES, k=chance.choice([1, 2, 3, 4, 6, 10, 30]))
        encoding = encodings.OLD_ENCODINGS[number % len(asked)]
        text = table(chance, names)
        content = text.encode(encoding)
        likely = encodings.likely(content)
        asked[encoding] += len(likely) > 1
        if text not in [content.decode(each) for each in likely]:
            wrong.append((encoding, names))
    assert wrong == []
    assert sum(asked.values()) < 0.05 * TABLES
    # What Russian offices have is asked about least.
    assert asked["cp1251"] < 0.03 * TABLES / len(asked)


def test_a_file_that_can_be_in_two_encodings_is_refused_with_both() -> None:
    content = "Advertisement ID;Brand\n1;Юла\n".encode("koi8-r")
    assert encodings.likely(content) == ["koi8-r", "cp1251"]
    with pytest.raises(SheetError, match=r"\(1\) KOI8-R.*\(2\) Windows-1251"):
        rows(content)
    # One small letter stands for a capital one in cp1251.
    content = "Advertisement ID;Brand\n1;яндекс\n2;лента\n".encode("mac-cyrillic")
    assert refusal(content) == "table_ambiguous"


def test_letters_beyond_the_first_pages_decide_the_encoding() -> None:
    latin = "".join(f"{n};SPOTIFY;1\n" for n in range(60_000))
    content = f"Advertisement ID;Brand;Cost\n{latin}7;МАГНИТ;1\n".encode("cp1251")
    assert cells(content)[-1] == ["7", "МАГНИТ", "1"]
    assert findings(content)["found_encoding"] == {"encoding": "Windows-1251"}


UTF8 = "Advertisement ID,Brand\n1,СБЕРБАНК\n2,АЛЬФА-БАНК\n"


def test_lines_of_another_encoding_cost_only_themselves() -> None:
    content = UTF8.encode() + "3,ГАЗПРОМБАНК\n".encode("cp1251") + "4,№\n".encode()
    assert rows(content) == [
        (2, ["1", "СБЕРБАНК"]),
        (3, ["2", "АЛЬФА-БАНК"]),
        (4, ["3", "ГАЗПРОМБАНК"]),
        (5, ["4", "№"]),
    ]
    found = findings(content)["found_other_encoding"]
    assert found == {"encoding": "Windows-1251", "count": 1, "lines": "4"}


def test_a_line_whose_encoding_is_not_clear_is_a_row_that_cannot_be_read() -> None:
    assert len(encodings.likely("3,якитория\n".encode("mac-cyrillic"))) > 1
    content = UTF8.encode() + "3,якитория\n".encode("mac-cyrillic") + "4,ЛЕНТА\n".encode()
    assert [row for _line, row in rows(content)][2:] == ["row_encoding", ["4", "ЛЕНТА"]]
    assert findings(content)["found_broken_rows"] == {"count": 1, "lines": "4"}


def test_lines_in_utf8_within_an_old_file_are_read_as_such() -> None:
    old = UTF8.replace(",", ";").encode("cp1251")
    content = old + "3;ЛЕНТА\n".encode() + "4;МАГНИТ\n".encode("cp1251")
    assert [row[1] for row in cells(content)] == ["СБЕРБАНК", "АЛЬФА-БАНК", "ЛЕНТА", "МАГНИТ"]
    assert findings(content)["found_other_encoding"]["lines"] == "4"


def test_a_byte_that_is_no_letter_stops_nothing() -> None:
    content = UTF8.encode("cp1251") + b"3,\x98\n"
    assert cells(content)[-1] == ["3", "\ufffd"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_half_a_letter_in_utf16_stops_nothing(encoding: str) -> None:
    text = "\ufeff" + UTF8.replace(",", "\t") + "3\t\ud83d\n"
    assert cells(text.encode(encoding, "surrogatepass"))[-1] == ["3", "\ufffd"]
