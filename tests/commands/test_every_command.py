"""Commands that end early give one sentence and an exit status, without a traceback."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line

from tests.commands import matrix
from tests.commands.matrix import CLOSED_PIPE, WRONG_USE, Ended, Files, Program

NAMES = matrix.names()
ENDING = [name for name in NAMES if not matrix.serves(name)]
WRONG = [
    pytest.param(name, case, action, id=f"{name}-{case}-{action.dest}")
    for name in NAMES
    for case, action in matrix.cases(name)
    if action is not None
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with matrix.program(tmp_path_factory.mktemp("program")) as started:
        Files.new(started.folder)
        yield started


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


def test_the_commands_are_found() -> None:
    assert {"classify", "ingest", "train", "run"} <= set(NAMES)
    assert {case for param in WRONG for case in param.values[1:2]} == set(WRONG_USE)


@pytest.mark.parametrize("name", NAMES)
def test_every_path_argument_is_checked(name: str) -> None:
    assert [a.dest for a in matrix.arguments_of(name) if a.type is Path] == []


@pytest.mark.parametrize(("name", "case", "action"), WRONG)
def test_wrong_arguments_are_reported_before_any_work(
    name: str,
    case: str,
    action: argparse.Action,
    tmp_path: Path,
    english: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = Files.new(tmp_path)
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", *matrix.line(name, files, action, case)])
    assert isinstance(ended.value.code, int)
    result = Ended(ended.value.code, *capsys.readouterr())
    assert matrix.wrong(result, case, str(files.wrong(action, case))) == []
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ENDING)
def test_an_interrupted_command_says_so(name: str, program: Program) -> None:
    ended = program.run(matrix.line(name, Files(program.folder)), "Ctrl-C")
    assert matrix.wrong(ended, "Ctrl-C", "") == []


@pytest.mark.parametrize("name", ENDING)
def test_a_closed_pipe_ends_a_command_quietly(name: str, program: Program) -> None:
    ended = program.run(matrix.line(name, Files(program.folder)), CLOSED_PIPE)
    assert matrix.wrong(ended, CLOSED_PIPE, "") == []
    assert "pipe" not in ended.stderr.lower()
