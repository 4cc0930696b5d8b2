"""Encodings of text tables: detected, mixed within a file, ambiguous, or with invalid bytes."""

from __future__ import annotations

import random

import pytest

from creativefilter.sheets import SheetError, encodings, limits
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


def test_no_name_is_misread_and_few_files_are_ambiguous() -> None:
    chance = random.Random(11)
    wrong, ambiguous = [], dict.fromkeys(encodings.OLD_ENCODINGS, 0)
    for number in range(TABLES):
        names = chance.choices(NAMES, k=chance.choice([1, 2, 3, 4, 6, 10, 30]))
        encoding = encodings.OLD_ENCODINGS[number % len(ambiguous)]
        text = table(chance, names)
        content = text.encode(encoding)
        likely = encodings.likely(content)
        ambiguous[encoding] += len(likely) > 1
        if text not in [content.decode(each) for each in likely]:
            wrong.append((encoding, names))
    assert wrong == []
    assert sum(ambiguous.values()) < 0.05 * TABLES
    # cp1251, the most common encoding of Russian offices, is ambiguous least often.
    assert ambiguous["cp1251"] < 0.03 * TABLES / len(ambiguous)


def test_an_ambiguous_file_is_refused_with_both_encodings() -> None:
    content = "Advertisement ID;Brand\n1;Юла\n".encode("koi8-r")
    assert encodings.likely(content) == ["koi8-r", "cp1251"]
    with pytest.raises(SheetError, match=r"\(1\) KOI8-R.*\(2\) Windows-1251"):
        rows(content)
    # The byte of "я" in mac-cyrillic is "Я" in cp1251; the other small letters are the same.
    content = "Advertisement ID;Brand\n1;яндекс\n2;лента\n".encode("mac-cyrillic")
    assert refusal(content) == "table_ambiguous"


def test_letters_far_into_the_file_decide_the_encoding() -> None:
    latin = "".join(f"{n};SPOTIFY;1\n" for n in range(60_000))
    content = f"Advertisement ID;Brand;Cost\n{latin}7;МАГНИТ;1\n".encode("cp1251")
    assert cells(content)[-1] == ["7", "МАГНИТ", "1"]
    assert findings(content)["found_encoding"] == {"encoding": "Windows-1251"}


UTF8 = "Advertisement ID,Brand\n1,СБЕРБАНК\n2,АЛЬФА-БАНК\n"


def test_lines_in_another_encoding_are_decoded() -> None:
    content = UTF8.encode() + "3,ГАЗПРОМБАНК\n".encode("cp1251") + "4,№\n".encode()
    assert rows(content) == [
        (2, ["1", "СБЕРБАНК"]),
        (3, ["2", "АЛЬФА-БАНК"]),
        (4, ["3", "ГАЗПРОМБАНК"]),
        (5, ["4", "№"]),
    ]
    found = findings(content)["found_other_encoding"]
    assert found == {"encoding": "Windows-1251", "count": 1, "lines": "4"}


def test_a_line_in_an_ambiguous_encoding_is_a_broken_row() -> None:
    assert len(encodings.likely("3,якитория\n".encode("mac-cyrillic"))) > 1
    content = UTF8.encode() + "3,якитория\n".encode("mac-cyrillic") + "4,ЛЕНТА\n".encode()
    assert [row for _line, row in rows(content)][2:] == ["row_encoding", ["4", "ЛЕНТА"]]
    assert findings(content)["found_broken_rows"] == {"count": 1, "lines": "4"}


def test_utf8_lines_within_a_cp1251_file_are_decoded() -> None:
    old = UTF8.replace(",", ";").encode("cp1251")
    content = old + "3;ЛЕНТА\n".encode() + "4;МАГНИТ\n".encode("cp1251")
    assert [row[1] for row in cells(content)] == ["СБЕРБАНК", "АЛЬФА-БАНК", "ЛЕНТА", "МАГНИТ"]
    assert findings(content)["found_other_encoding"]["lines"] == "4"


def test_one_utf8_line_in_a_large_cp1251_file_is_counted_as_one() -> None:
    latin = b"".join(b"%d;SPOTIFY\n" % number for number in range(40_000))
    assert len(latin) > 2 * limits.BLOCK
    old = "".join(f"{number};МАГНИТ\n" for number in range(300)).encode("cp1251")
    content = b"Advertisement ID;Brand\n" + "1;ЛЕНТА\n".encode() + latin + old
    found = cells(content)
    assert (found[0], found[-1]) == (["1", "ЛЕНТА"], ["299", "МАГНИТ"])
    notes = findings(content)
    assert notes["found_encoding"] == {"encoding": "Windows-1251"}
    assert notes["found_other_encoding"] == {"encoding": "UTF-8", "count": 1, "lines": "2"}


def test_an_undefined_byte_is_replaced() -> None:
    content = UTF8.encode("cp1251") + b"3,\x98\n"
    assert cells(content)[-1] == ["3", "\ufffd"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_lone_surrogate_in_utf16_is_replaced(encoding: str) -> None:
    text = "\ufeff" + UTF8.replace(",", "\t") + "3\t\ud83d\n"
    assert cells(text.encode(encoding, "surrogatepass"))[-1] == ["3", "\ufffd"]


@pytest.mark.timeout(30)  # a search from each letter of a run takes hours
def test_long_runs_of_letters_are_scored_in_linear_time() -> None:
    letters = b"ent" * 300_000
    assert encodings.likely(letters) == ["cp1251"]
    assert encodings.likely(letters + " привет".encode("cp866"))[0] == "cp866"
