"""manage.py classify: one row for each file."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.utils import translation

from creativefilter.creatives.analysis import engines
from creativefilter.creatives.management.commands import classify as command
from creativefilter.creatives.management.commands.classify import files_of
from creativefilter.creatives.models import ModelVersion
from creativefilter.site.commands import UsageError
from tests.creatives.analysing import DEMO, MUSIC, SPOKEN, SPOKEN_TOO, remembering

pytestmark = [pytest.mark.django_db, pytest.mark.weights, pytest.mark.any_database]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.mp4"
    path.write_text("Not a film.")
    return path


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real recogniser, loaded once for all tests."""
    recogniser = remembering()
    monkeypatch.setattr(
        "classifier.speech.recognition.load_transcriber", lambda **options: recogniser
    )


def classify(*paths: Path, **options: Any) -> str:
    out = io.StringIO()
    with translation.override("en"):
        call_command("classify", *map(str, paths), stdout=out, **options)
    return out.getvalue()


def test_each_file_is_a_json_line_and_a_broken_one_does_not_stop_the_rest(
    known: None, broken: Path
) -> None:
    out = classify(DEMO / SPOKEN, broken, DEMO / MUSIC, DEMO / SPOKEN_TOO, json=True)
    card, bad, music, deposit = map(json.loads, out.splitlines())
    assert card["Advertisement ID"] == "90000023"
    assert (card["Segment_num"], card["Segment"]) == (12, "Кредитные карты")
    assert 0.5 < card["probability"] <= 1
    assert card["seconds"] == pytest.approx(11.9, abs=0.1)
    assert "процентов" in card["transcript"]
    assert card["reason"] is card["error"] is None
    assert card["decision"] == "auto"
    assert ("Кредитная карта" in card["screen"]) == engines.reads_screens()
    assert bad["file"] == str(broken)
    assert bad["error"].startswith("This is neither audio nor video")
    assert bad["Segment_num"] is bad["probability"] is bad["Advertisement ID"] is None
    assert bad["decision"] is None
    assert (music["reason"], music["Segment"], music["error"]) == ("no_speech", None, None)
    assert (music["decision"], music["screen"]) == ("review", "")
    assert deposit["Segment_num"] == 13


def test_without_options_each_file_is_a_readable_line(known: None, broken: Path) -> None:
    card, bad, music = classify(DEMO / SPOKEN, broken, DEMO / MUSIC).splitlines()
    assert card.startswith("90000023.flv")
    assert "12 · Кредитные карты" in card
    assert "%" in card
    assert "This is neither audio nor video" in bad
    assert "There is no speech" in music


def test_a_csv_table_is_written(known: None, broken: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    classify(DEMO / SPOKEN, DEMO / MUSIC, broken, out=table)
    card, music, bad = csv.DictReader(io.StringIO(table.read_text("utf-8")))
    assert (card["Segment_num"], card["Segment"]) == ("12", "Кредитные карты")
    assert (music["Segment_num"], music["reason"]) == ("", "no_speech")
    assert bad["error"]


def test_an_xlsx_table_has_numbers_as_numbers_and_no_formula(
    known: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(DEMO / SPOKEN, "=1+1.flv")
    classify(Path("=1+1.flv"), DEMO / MUSIC, out=tmp_path / "table.xlsx")
    heads, card, music = openpyxl.load_workbook(tmp_path / "table.xlsx").active.iter_rows()
    row = {head.value: cell for head, cell in zip(heads, card, strict=True)}
    assert (row["file"].value, row["file"].data_type) == ("=1+1.flv", "s")
    assert (row["Segment_num"].value, row["Segment_num"].data_type) == (12, "n")
    assert isinstance(row["probability"].value, float)
    assert dict(zip([h.value for h in heads], music, strict=True))["Segment_num"].value is None


def test_a_table_that_cannot_be_written_is_a_clear_error(known: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be written"):
        classify(DEMO / MUSIC, out=tmp_path / "no such folder" / "table.csv")


def test_one_file_that_failed_makes_the_command_fail(
    known: None, broken: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "classify", str(broken), str(DEMO / MUSIC)])
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err.splitlines()[-1] == "1 of 2 files could not be classified."


def test_a_path_that_is_missing_is_named_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def must_not_load(**options: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("classifier.speech.recognition.load_transcriber", must_not_load)
    with pytest.raises(UsageError, match=r"There is no file .*missing\.wav"):
        classify(DEMO / MUSIC, tmp_path / "missing.wav")


def test_finished_rows_are_written_after_an_interrupt(
    known: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def row_of(decision: Any, directory: Any) -> dict[str, Any]:
        if decision.path.name == "2.wav":
            os.kill(os.getpid(), signal.SIGINT)
        return real(decision, directory)

    real = command.row_of
    for number in (1, 2, 3):
        shutil.copy(DEMO / MUSIC, tmp_path / f"{number}.wav")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setattr(command, "row_of", row_of)
    table = tmp_path / "table.csv"
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "classify", str(tmp_path), "--out", str(table)])
    assert ended.value.code == 130
    # An earlier line may report that screens can't be read here.
    assert capsys.readouterr().err.endswith("Interrupted. Files classified: 1 of 3.\n")
    [row] = csv.DictReader(io.StringIO(table.read_text("utf-8")))
    assert (row["file"], row["reason"]) == (str(tmp_path / "1.wav"), "no_speech")


def test_folders_are_searched_for_media_of_any_case(tmp_path: Path) -> None:
    folder = tmp_path / "ролики" / "осень"
    folder.mkdir(parents=True)
    for name in ("b.AVI", "a.wbm", "c.Mp4", "notes.txt", "table.xlsx"):
        (folder / name).touch()
    (folder / "folder.mp4").mkdir()
    (tmp_path / "ролики" / "z.wav").touch()
    found = files_of([tmp_path / "ролики", tmp_path / "named.txt"])
    assert {path.name for path in found} == {"a.wbm", "b.AVI", "c.Mp4", "z.wav", "named.txt"}


def test_a_folder_without_media_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no media files"):
        classify(tmp_path)


def test_the_settings_choose_the_recogniser(settings: Any, tmp_path: Path) -> None:
    settings.WHISPER_BEAM_SIZE = 1
    shutil.copy(DEMO / MUSIC, tmp_path / "M.WAV")
    [row] = map(json.loads, classify(tmp_path, json=True).splitlines())
    assert row["reason"] == "no_speech"
    settings.WHISPER_MODEL = str(tmp_path / "no weights here")
    with pytest.raises(CommandError) as error:
        classify(tmp_path)
    assert "no weights here" in str(error.value)


def test_a_model_that_cannot_be_read_is_a_clear_error(
    known: None, settings: Any, tmp_path: Path
) -> None:
    ModelVersion.objects.update(folder=str(tmp_path))
    with pytest.raises(CommandError, match=tmp_path.name):
        classify(DEMO / MUSIC)
    ModelVersion.objects.update(is_active=False)
    settings.STARTER_MODEL = tmp_path / "none"
    with pytest.raises(CommandError, match="none: there is no manifest"):
        classify(DEMO / MUSIC)


def test_a_computer_that_cannot_read_screens_says_so_and_decides_by_the_speech(
    known: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines.screen_reader.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    err = io.StringIO()
    [card] = map(json.loads, classify(DEMO / SPOKEN, json=True, stderr=err).splitlines())
    assert "Tesseract is not installed" in err.getvalue()
    assert (card["Segment_num"], card["screen"]) == (12, "")
