"""How all management commands end with wrong arguments, signals or a closed pipe.

``python -m tests.commands.matrix`` prints that as a table. New commands are covered automatically:
their arguments get values by their types.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.management import get_commands, load_command_class

from creativefilter.embedded.service_command import ServiceCommand
from creativefilter.site import commands

ROOT = Path(__file__).resolve().parents[2]
# All columns that any command asks for.
TABLE = """\
Advertisement ID,Segment_num,Segment,text,split,Advertiser,Brand,Media Type,Cost,Year,Month
4297908,12,Кредитки,Кредитная карта: год без процентов,train,A,B,TV,1.5,2021,3
4297909,13,Вклады,Откройте вклад по высокой ставке,valid,A,B,TV,2.5,2021,4
"""
SUFFIXES = (".csv", ".xlsx", ".html")
SIGNALS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}
CLOSED_PIPE = "closed pipe"
FULL_DISK = "full disk"


def names() -> list[str]:
    """Return the names of the project's commands."""
    return sorted(n for n, app in get_commands().items() if app.startswith("creativefilter."))


def serves(name: str) -> bool:
    """Whether a command runs until a signal ends it, as gunicorn and Celery do."""
    return isinstance(load_command_class(get_commands()[name], name), ServiceCommand)


def arguments_of(name: str) -> list[argparse.Action]:
    """Return the arguments of a command, without Django's common options."""
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, commands.BaseCommand), f"{name} is no commands.BaseCommand"
    common = commands.BaseCommand().create_parser("manage.py", "x")._actions
    known = {action.dest for action in common}
    parser = command.create_parser("manage.py", name)
    return [action for action in parser._actions if action.dest not in known]


@dataclass(frozen=True)
class Files:
    """Files for the arguments of commands."""

    folder: Path

    @classmethod
    def new(cls, folder: Path) -> Files:
        (folder / "media").mkdir()
        (folder / "media" / "1.wav").write_bytes(b"no media")
        (folder / "table.csv").write_text(TABLE, "utf-8")
        return cls(folder)

    def right(self, action: argparse.Action) -> str:
        """Return a value that the command accepts."""
        if action.type in (commands.existing_file, commands.existing_path):
            return str(self.folder / "table.csv")
        if action.type is commands.existing_folder:
            return str(self.folder / "media")
        if action.type is commands.output_folder:
            return str(self.folder / "model")
        if is_output(action):
            return str(self.folder / f"out{suffix_of(action)}")
        return "admin"

    def wrong(self, action: argparse.Action, case: str) -> str | None:
        """Return a value for a case of wrong use; None if the case does not apply."""
        reads_file = action.type in (commands.existing_file, commands.existing_path)
        reads_folder = action.type is commands.existing_folder
        if case == "wrong path":
            return str(self.folder / "nothing here") if reads_file or reads_folder else None
        if case == "folder for file":
            return str(self.folder / "media") if action.type is commands.existing_file else None
        if case == "file for folder":
            return str(self.folder / "table.csv") if reads_folder else None
        if is_output(action):
            return str(self.folder / "out.pdf")
        return str(self.folder / "table.csv") if action.type is commands.output_folder else None


WRONG_USE = ("wrong path", "folder for file", "file for folder", "bad output")


def is_output(action: argparse.Action) -> bool:
    return getattr(action.type, "__qualname__", "").startswith("output_file.")


def suffix_of(action: argparse.Action) -> str:
    """Return a suffix that an output file may have."""
    check: Callable[[str], Path] = action.type  # type: ignore[assignment]
    for suffix in SUFFIXES:
        try:
            check(f"out{suffix}")
        except commands.UsageError:
            continue
        return suffix
    raise AssertionError(f"{action.dest}: none of {SUFFIXES} is accepted")


def line(
    name: str, files: Files, wrong: argparse.Action | None = None, case: str = ""
) -> list[str]:
    """Return a command line, valid except for ``wrong``, if given; outputs go to ``files``."""
    words = [name]
    for action in arguments_of(name):
        output = is_output(action) or action.type is commands.output_folder
        bad = wrong is not None and action.dest == wrong.dest
        if not (action.required or output or bad):
            continue
        value = files.wrong(action, case) if bad else files.right(action)
        words += [*action.option_strings[:1], str(value)]
    return words


def cases(name: str) -> Iterator[tuple[str, argparse.Action | None]]:
    """Yield the cases of a command, each with the invalid argument, if any."""
    files = Files(Path())
    for case in WRONG_USE:
        for action in arguments_of(name):
            if files.wrong(action, case) is not None:
                yield case, action
    for case in () if serves(name) else (*SIGNALS, CLOSED_PIPE):
        yield case, None


@dataclass(frozen=True)
class Ended:
    """Exit status and output of a command."""

    status: int
    stdout: str
    stderr: str

    @property
    def last(self) -> str:
        return (self.stderr.splitlines() or [""])[-1]


@dataclass(frozen=True)
class Program:
    """A process that runs ``manage.py`` with one command line after the other, each in a fork."""

    process: subprocess.Popen[bytes]
    folder: Path

    def run(self, arguments: list[str], case: str = "") -> Ended:
        out, err = self.folder / "stdout", self.folder / "stderr"
        for file in (out, err):
            file.write_text("")
        request = {
            "arguments": arguments,
            "stdout": "/dev/full" if case == FULL_DISK else str(out),
            "stderr": str(err),
            "folder": str(self.folder),
            "signal": SIGNALS.get(case, 0),
            "closed_pipe": case == CLOSED_PIPE,
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        status = self.process.stdout.readline()
        return Ended(int(status), out.read_text("utf-8"), err.read_text("utf-8"))


@contextmanager
def program(folder: Path) -> Iterator[Program]:
    """Start the program on a prepared data folder of its own."""
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.commands.forked"],
        cwd=ROOT,
        env=environ | {"DATA_DIR": str(folder / "data"), "LC_ALL": "en_US.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    started = Program(process, folder)
    try:
        prepared = started.run(["prepare"])
        assert prepared.status == 0, prepared.stderr
        yield started
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def wrong(ended: Ended, case: str, value: str) -> list[str]:
    """List what is wrong with the way a command ended."""
    found = []
    if "Traceback" in ended.stderr or "Exception ignored" in ended.stderr:
        found.append("traceback")
    if case in WRONG_USE:
        if ended.status != commands.WRONG_USE:
            found.append("status")
        if value not in ended.last:
            found.append("names no path")
    elif case in SIGNALS:
        if ended.status != commands.INTERRUPTED:
            found.append("status")
        if "Interrupted." not in ended.stderr:
            found.append("no sentence")
    elif ended.status not in (0, commands.FAILED):
        found.append("status")
    return found


def main() -> None:
    """Print the matrix."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
    django.setup()
    folder = Path(tempfile.mkdtemp())
    heads = (*WRONG_USE, *SIGNALS, CLOSED_PIPE)
    print(f"{'':20}" + "".join(f"{head:>17}" for head in heads))
    try:
        files = Files.new(folder)
        with program(folder) as started:
            for name in names():
                cells: dict[str, set[str]] = {}
                for case, action in cases(name):
                    value = str(files.wrong(action, case)) if action else ""
                    ended = started.run(line(name, files, action, case), case)
                    problems = wrong(ended, case, value)
                    cells.setdefault(case, set()).add(", ".join([str(ended.status), *problems]))
                row = (" / ".join(sorted(cells.get(head, {"—"}))) for head in heads)
                print(f"{name:20}" + "".join(f"{cell:>17}" for cell in row), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
