"""Rows of CSV files: quotation marks, line breaks, widths, blank lines, and their line numbers."""

from __future__ import annotations

import time

import pytest

from creativefilter.sheets import csv_rows, limits
from tests.sheets.reading import findings, refusal, rows

HEADING = "Advertisement ID,Brand,Cost\n"
GOOD = "7,B,1\n"


def read(body: str) -> list[object]:
    return list(rows((HEADING + body).encode()))


def test_a_line_break_inside_a_quoted_cell_is_one_row() -> None:
    assert read(f'1,"два\nслова",5\n{GOOD}2,"a\r\n\r\nb, ""c""\n",6\n{GOOD}') == [
        (2, ["1", "два\nслова", "5"]),
        (4, ["7", "B", "1"]),
        (5, ["2", 'a\r\n\r\nb, "c"\n', "6"]),
        (9, ["7", "B", "1"]),
    ]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_lines_beyond_the_limit_are_refused_wherever_blocks_end(codec: str, end: str) -> None:
    """Many short lines follow in the block in which the long line ends."""

    def content(length: int) -> bytes:
        lines = [HEADING.strip(), "1,B," + "9" * (length - len("1,B," + end)), *["2,B,1"] * 70_000]
        return end.join(lines).encode(codec)

    assert refusal(content(limits.MAX_LINE - 10)) == ""
    assert refusal(content(limits.MAX_LINE + limits.BLOCK)) == "table_line"


def test_a_line_break_in_the_first_cell() -> None:
    content = 'Brand;Advertisement ID;Cost\nB;7;1\n"два\nслова";8;5\nB;9;1\n'.encode()
    assert rows(content) == [
        (2, ["B", "7", "1"]), (3, ["два\nслова", "8", "5"]), (5, ["B", "9", "1"]),
    ]  # fmt: skip


def test_line_breaks_in_the_heading_after_a_byte_order_mark() -> None:
    content = '\ufeff"Advertisement\nID",Brand,"Cost\nRUB"\n1,B,5\n'.encode()
    assert rows(content) == [(4, ["1", "B", "5"])]


@pytest.mark.parametrize("filler", [0, 3, 3_000])
def test_an_unclosed_quotation_mark_spoils_only_its_own_line(filler: int) -> None:
    found = read(f'1,"open,5\n{GOOD * filler}2,"B",5\n{GOOD}3,C"\n8,"last,1\n')
    assert found[0] == (2, "row_quote")
    assert [row for _line, row in found[1 : filler + 3]] == [
        *[["7", "B", "1"]] * filler, ["2", "B", "5"], ["7", "B", "1"],
    ]  # fmt: skip
    assert found[filler + 3 :] == [(filler + 5, ["3", 'C"']), (filler + 6, "row_quote")]


def test_rows_between_two_stray_quotation_marks_are_kept() -> None:
    """To the csv module, a mark opened in one row and closed in another joins the rows between."""
    assert read(f'1,"open\n{GOOD}{GOOD}2,B",5\n{GOOD}') == [
        (2, "row_quote"),
        (3, ["7", "B", "1"]),
        (4, ["7", "B", "1"]),
        (5, ["2", 'B"', "5"]),
        (6, ["7", "B", "1"]),
    ]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ('1,5" screen,2', ["1", '5" screen', "2"]),
        ('1,"АО "Ромашка"",2', ["1", 'АО Ромашка""', "2"]),
        ('1,"a"b,2', ["1", "ab", "2"]),
        ("1,,2,,,", ["1", "", "2"]),
        ("1,B,2,,x", "row_many_cells"),
        ("1,B", ["1", "B"]),
        ('"1","B","2"', ["1", "B", "2"]),
        (" 1 , B ,2", [" 1 ", " B ", "2"]),
        ("AD-7,B,2", ["AD-7", "B", "2"]),
        (",B,2", ["", "B", "2"]),
    ],
)
def test_single_lines(line: str, row: object) -> None:
    assert read(f"{GOOD}{line}\n{GOOD}")[1] == (3, row)


def test_blank_lines_and_repeated_headings_are_left_out() -> None:
    body = f"\n{GOOD},,,\n   \n\ufeff{HEADING}{GOOD}advertisement_id,BRAND,cost\n"
    assert [line for line, _row in rows((HEADING + body).encode())] == [3, 7]
    found = findings((HEADING + body).encode())
    assert found["found_headings_again"] == {"count": 2, "lines": "6, 8"}


def test_short_and_broken_rows_are_counted_with_their_lines() -> None:
    content = (HEADING + f'1,B\n{GOOD}2,"x\n3,B,4,5\n').encode()
    found = findings(content)
    assert found["found_short_rows"] == {"count": 1, "lines": "2"}
    assert found["found_broken_rows"] == {"count": 2, "lines": "4, 5"}


def test_an_unclosed_quotation_mark_before_a_cell_that_is_too_long() -> None:
    found = read(f'1,"open,5\n{GOOD}2,{"x" * 200_000},6\n')
    assert found == [(2, "row_quote"), (3, ["7", "B", "1"]), (4, "row_long_cell")]


def test_a_cell_that_is_too_long_spoils_only_its_own_row() -> None:
    long = "x" * 200_000
    found = read(f'1,"{long}",5\n{GOOD}2,{long},6\n3,"a\nb",7\n')
    assert found == [
        (2, "row_long_cell"), (3, ["7", "B", "1"]), (4, "row_long_cell"), (5, ["3", "a\nb", "7"]),
    ]  # fmt: skip


def test_many_unclosed_quotation_marks_are_fast() -> None:
    started = time.monotonic()
    lines = '1,"a ""b,5\n' * 20_000
    assert len(read(lines)) == 20_000
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends(end: str) -> None:
    content = (HEADING + f'1,"a\nb",5\n{GOOD}').replace("\n", end).encode()
    assert rows(content) == [(2, ["1", f"a{end}b", "5"]), (4, ["7", "B", "1"])]


def test_the_batch_size_does_not_change_the_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = "".join(
        f'{n},"два\nслова",5\n{GOOD}\n8,"open,5\n9,x\n{HEADING}' if n % 3 else f"{n},B,{n}\n"
        for n in range(300)
    )
    expected = read(body)
    for batch in (1, 7, 64, 1000):
        monkeypatch.setattr(csv_rows, "BATCH", batch)
        assert read(body) == expected


def test_one_column_needs_no_delimiter() -> None:
    assert rows(b"Advertisement ID\n1\n2\n") == [(2, ["1"]), (3, ["2"])]


def test_two_delimiters_that_both_give_a_heading_are_ambiguous() -> None:
    assert refusal(b"Advertisement ID;a,ID advertisement\n1;2,3\n") == "table_ambiguous"
