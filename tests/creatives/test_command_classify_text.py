"""manage.py classify_text: adds segments to a table of transcripts."""

from __future__ import annotations

import csv
import io
import os
import signal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.utils import translation

from creativefilter.creatives.management.commands import classify_text as command
from creativefilter.creatives.models import ModelVersion

pytestmark = pytest.mark.django_db
CARD = "Кредитная карта Ёлка-Банка: целый год без процентов на «любые» покупки; обслуживание даром."
DEPOSIT = "Откройте вклад по ставке до шестнадцати процентов годовых. Высокий доход и надёжность."
ROWS = [("4297908", CARD), ("0042", "ДИНАМИЧНАЯ МУЗЫКА"), ("7", ""), ("abc", DEPOSIT)]
HEADS = ["Advertisement ID", "text"]


def as_csv(delimiter: str, rows: list[tuple[str, str]] = ROWS) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerows([HEADS, *rows])
    return buffer.getvalue()


def classify_text(table: Path, out: Path) -> list[dict[str, str]]:
    with translation.override("en"):
        call_command("classify_text", str(table), out=out, stdout=io.StringIO())
    return list(csv.DictReader(io.StringIO(out.read_text("utf-8"))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_usual_encodings_and_delimiters_are_recognised(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    table = tmp_path / "in.csv"
    table.write_bytes(as_csv(delimiter).encode(encoding))
    card, music, empty, deposit = classify_text(table, tmp_path / "out.csv")
    assert (card["Advertisement ID"], card["text"]) == ("4297908", CARD)
    assert (card["Segment_num"], card["Segment"]) == ("12", "Кредитные карты")
    assert 0.3 < float(card["probability"]) <= 1
    assert (card["decision"], card["reason"]) == ("auto", "")
    assert (deposit["Advertisement ID"], deposit["Segment_num"]) == ("abc", "13")
    for silent in (music, empty):
        assert (silent["Segment_num"], silent["Segment"]) == ("", "")
        assert (silent["probability"], silent["reason"]) == ("", "no_speech")
        assert silent["decision"] == "review"
    assert music["Advertisement ID"] == "0042"


def test_other_columns_stay_where_they_were(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text(f"month;Advertisement ID;text\n2023-01;0042;{DEPOSIT}\n", "utf-8")
    [row] = classify_text(table, tmp_path / "out.csv")
    assert list(row) == [
        "month", "Advertisement ID", "text", "Segment_num", "Segment", "probability", "decision",
        "reason",
    ]  # fmt: skip
    assert row["month"] == "2023-01"


def test_workbooks_are_read_and_written(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in (HEADS, *ROWS):
        book.active.append(line)
    book.save(tmp_path / "in.XLSX")
    with translation.override("en"):
        call_command(
            "classify_text", str(tmp_path / "in.XLSX"), out=tmp_path / "out.xlsx",
            stdout=io.StringIO(),
        )  # fmt: skip
    heads, card, music, *_ = openpyxl.load_workbook(tmp_path / "out.xlsx").active.iter_rows()
    row = {head.value: cell for head, cell in zip(heads, card, strict=True)}
    assert (row["Segment_num"].value, row["Segment_num"].data_type) == (12, "n")
    assert row["Advertisement ID"].value == "4297908"
    assert {cell.value for cell in music} >= {"0042", "no_speech"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_of_the_output_is_a_formula(tmp_path: Path, start: str) -> None:
    table = tmp_path / "in.csv"
    table.write_text(as_csv(",", [(f"{start}1+1", f"{start}A1 {DEPOSIT}")]), "utf-8")
    with translation.override("en"):
        call_command("classify_text", str(table), out=tmp_path / "o.xlsx", stdout=io.StringIO())
    _heads, cells = openpyxl.load_workbook(tmp_path / "o.xlsx").active.iter_rows()
    assert cells[0].value == f"{start}1+1"
    assert cells[1].value.startswith(f"{start}A1")
    assert cells[2].value == 13
    assert "f" not in {cell.data_type for cell in cells}


def test_characters_that_a_workbook_cannot_hold_are_removed(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text(as_csv(",", [("1", f"\x0b{DEPOSIT}\x00")]), "utf-8")
    call_command("classify_text", str(table), out=tmp_path / "o.xlsx", stdout=io.StringIO())
    _heads, cells = openpyxl.load_workbook(tmp_path / "o.xlsx").active.iter_rows()
    assert cells[1].value == DEPOSIT


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text("id;text\n1;слово\n", "utf-8")
    with pytest.raises(CommandError, match="has no column «Advertisement ID»"):
        classify_text(table, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.csv", b""),
        ("in.xlsx", b"this is no workbook"),
        ("in.xlsx", b"PK\x03\x04 nor is this"),
        ("missing.csv", None),
    ],
)
def test_a_file_that_is_not_a_table_is_a_clear_error(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError) as error:
        classify_text(tmp_path / name, tmp_path / "out.csv")
    assert name in str(error.value)


def test_an_empty_table_stays_empty(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text(as_csv(",", []), "utf-8")
    assert classify_text(table, tmp_path / "out.csv") == []


def test_a_table_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text(as_csv(","), "utf-8")
    with pytest.raises(CommandError, match="can't be written"):
        classify_text(table, tmp_path / "no such folder" / "out.csv")


def test_finished_rows_are_written_after_an_interrupt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def classify_texts(texts: list[str]) -> dict[str, list[Any]]:
        if "" in texts:
            os.kill(os.getpid(), signal.SIGINT)
        return real(texts)

    real = command.classify_texts
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text(as_csv(","), "utf-8")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setattr(command, "BATCH", 2)
    monkeypatch.setattr(command, "classify_texts", classify_texts)
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "classify_text", str(table), "--out", str(out)])
    assert ended.value.code == 130
    output, complaint = capsys.readouterr()
    assert output.startswith("2 rows, 1 of them without speech: ")
    assert complaint.startswith("Interrupted.")
    rows = csv.DictReader(io.StringIO(out.read_text("utf-8")))
    assert [row["Segment_num"] for row in rows] == ["12", ""]


def test_a_model_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text(as_csv(","), "utf-8")
    ModelVersion.objects.update(folder=str(tmp_path))
    with pytest.raises(CommandError, match=tmp_path.name):
        classify_text(table, tmp_path / "out.csv")


def test_columns_with_the_same_title_stay_if_the_sheets_differ(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["note", "Advertisement ID", "text", "", "note"])
    book.active.append(["first", "1", DEPOSIT, "blank", "second"])
    other = book.create_sheet("other")
    other.append(["Advertisement ID", "note", "text"])
    other.append(["2", "third", DEPOSIT])
    book.save(tmp_path / "in.xlsx")
    with translation.override("en"):
        call_command(
            "classify_text", str(tmp_path / "in.xlsx"), out=tmp_path / "o.csv", stdout=io.StringIO()
        )
    heads, *rows = csv.reader(io.StringIO((tmp_path / "o.csv").read_text("utf-8")))
    assert heads[:5] == ["note", "Advertisement ID", "text", "", "note"]
    assert [row[:5] for row in rows] == [
        ["first", "1", DEPOSIT, "blank", "second"],
        ["third", "2", DEPOSIT, "", ""],
    ]
