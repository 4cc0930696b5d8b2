"""Messages of commands: language, encoding, tracebacks, settings, database, disk."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import execute_from_command_line
from django.db import DatabaseError, OperationalError, ProgrammingError
from django.utils import translation

from classifier.artefact import ArtefactError
from creativefilter.embedded.management.commands.create_token import Command
from creativefilter.site.commands import main
from creativefilter.site.errors import UserError
from creativefilter.site.probes import TooLittleRoomError
from creativefilter.site.sentences import sentence_of
from creativefilter.site.unavailable import Unavailable
from tests.commands import matrix
from tests.conftest import ROOT


def ended(*arguments: str) -> int:
    """Run ``manage.py`` in this process; return its exit status."""
    with pytest.raises(SystemExit) as exit_:
        execute_from_command_line(["manage.py", *arguments])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that raises an unexpected error."""

    def handle(self: Command, *arguments: Any, **options: Any) -> None:
        raise KeyError("surprise\nin two lines")

    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setattr(Command, "handle", handle)


def test_an_unexpected_error_is_one_line(broken: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("create_token", "anna") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("Unexpected error (KeyError: ")
    assert "--traceback" in line


def test_with_traceback_the_traceback_comes_first(
    broken: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("create_token", "anna", "--traceback") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert any("in handle" in line for line in lines)
    assert lines[-1].startswith("Unexpected error")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"LANG": "en_GB.UTF-8"}, "There is no file /nope."),
        ({"LANG": "ru_RU.UTF-8"}, "Файла /nope нет."),
        ({"LANG": "C.UTF-8"}, "Файла /nope нет."),
        ({"LANG": "en_US", "LC_ALL": "ru_RU"}, "Файла /nope нет."),
        ({"LANG": "ru_RU", "LC_MESSAGES": "en_US"}, "There is no file /nope."),
    ],
)
def test_the_locale_determines_the_language(
    environ: dict[str, str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert ended("import_spend", "/nope") == 2
    assert capsys.readouterr().err == f"{sentence}\n"


def test_help_is_in_the_language_of_the_reader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for language, words in (("ru_RU", "Импорт"), ("en_US", "Imports spend")):
        monkeypatch.setenv("LC_ALL", language)
        assert ended("import_spend", "--help") == 0
        assert words in capsys.readouterr().out


def test_libraries_log_warnings_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def handle(self: Command, *arguments: Any, **options: Any) -> None:
        assert not logging.getLogger("faster_whisper").isEnabledFor(logging.INFO)
        assert logging.getLogger("faster_whisper").isEnabledFor(logging.WARNING)

    monkeypatch.delenv("LOG_LEVEL", raising=False)
    monkeypatch.setattr(Command, "handle", handle)
    before = logging.getLogger().level
    execute_from_command_line(["manage.py", "create_token", "anna"])
    assert logging.getLogger().level == before


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=inherited | environ,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_letters_outside_the_terminals_encoding_are_replaced(tmp_path: Path) -> None:
    done = manage("check_spend", DATA_DIR=str(tmp_path), PYTHONIOENCODING="latin-1", LC_ALL="C")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert b"manage.py prepare" in line
    assert b"?" in line


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TOKEN_DAYS", "many", b'"TOKEN_DAYS"'),
        ("DATA_DIR", "/dev/null/data", b"/dev/null/data"),
        ("STAGE_SOFT_SECONDS", "", b"STAGE_SOFT_SECONDS"),
        ("API_RATE", "600 per minute", b'"API_RATE" invalid'),
        ("LOG_LEVEL", "loud", b"one of DEBUG, INFO"),
        ("PREDICT_ANONYMOUS", "perhaps", b"true or false"),
    ],
)
def test_a_bad_setting_is_one_line(name: str, value: str, words: bytes, tmp_path: Path) -> None:
    done = manage("check_spend", **{"DATA_DIR": str(tmp_path), name: value})
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert words in line


def test_a_file_of_settings_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("TOKEN_DAYS=many\nLOG_LEVEL=loud\n")
    settings = {"DATA_DIR": str(tmp_path), "ENV_FILE": str(file), "LOG_LEVEL": "INFO"}
    done = manage("check_spend", **settings)
    assert done.returncode == 2
    assert b'"TOKEN_DAYS"' in done.stderr
    assert b"LOG_LEVEL" not in done.stderr


def test_an_invalid_port_is_one_line(tmp_path: Path) -> None:
    done = manage("web", DATA_DIR=str(tmp_path), PORT="abc")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert b"abc" in line


def test_a_bad_setting_with_traceback(tmp_path: Path) -> None:
    done = manage("check_spend", "--traceback", DATA_DIR=str(tmp_path), TOKEN_DAYS="many")
    assert b"Traceback" in done.stderr
    assert b"settings/__init__.py" in done.stderr


def test_output_on_a_full_disk(tmp_path: Path) -> None:
    with matrix.program(tmp_path) as program:
        ended = program.run(["check_spend"], matrix.FULL_DISK)
    assert ended.status == 1
    assert ended.stderr == "The disk is full.\n"


def test_sigterm_ends_a_command_as_ctrl_c_does(tmp_path: Path) -> None:
    with matrix.program(tmp_path) as program:
        ended = program.run(["check_spend"], "SIGTERM")
    assert matrix.wrong(ended, "SIGTERM", "") == []


def failure(act: Callable[[], object]) -> OSError:
    with pytest.raises(OSError) as raised:  # noqa: PT011 (its sentence is what is tested)
        act()
    return raised.value


def test_sentences_for_errors_that_people_can_repair(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    cases: list[tuple[BaseException, str]] = [
        (failure((tmp_path / "none").read_bytes), f"There is no file {tmp_path / 'none'}."),
        (failure(tmp_path.read_bytes), f"{tmp_path} is a folder, and a file is needed."),
        (
            failure((file / "inside").read_bytes),
            f"{file / 'inside'} is a file, and a folder is needed.",
        ),
        (failure((tmp_path / ("x" * 300)).touch), f"{tmp_path / ('x' * 300)} can't be used: "),
        (OperationalError("no such table: x"), "The database is not prepared"),
        (ProgrammingError('relation "x" does not exist\nLINE 1'), "The database is not prepared"),
        (OperationalError("database is locked"), "The database is busy"),
        (OperationalError("database or disk is full"), "The disk is full"),
        (OperationalError("unable to open database file"), "The database "),
        (DatabaseError("file is not a database"), "The database "),
        (OperationalError("connection refused\nIs it running?"), "The database can't be reached:"),
        (ArtefactError(tmp_path, "there is no manifest"), "The model can't be used: "),
        (UserError("Do it otherwise."), "Do it otherwise."),
        (Unavailable("storage_away", "timed out"), "The storage of the files did not answer."),
        (TooLittleRoomError("/data has 3 bytes left"), ""),
        (ProgrammingError("syntax error"), ""),
        (ValueError("a mistake of the program"), ""),
        (OSError("no known reason"), ""),
    ]
    with translation.override("en"):
        for error, sentence in cases:
            text = sentence_of(error)
            assert text.startswith(sentence) if sentence else text == "", (error, text)
            assert "\n" not in text


def test_an_unknown_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["manage.py", "clasify"])
    assert exit_.value.code == 1
    assert "classify" in capsys.readouterr().err
