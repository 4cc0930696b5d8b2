"""The whole application as a child process: ``manage.py run`` on a data folder and a free port.

Processes, broker, database and weights are those of ``make run``. For speed, the beam size is 1 and
the sweep runs every 3 s instead of 15 s.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from creativefilter.embedded.broker import free_port
from tests import environment, postgres

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo" / "creatives"
START_SECONDS = 120
# What the shared stack analyses at its first start: every format, and both creatives without
# speech. ``make demo`` analyses the whole demonstration.
DEMONSTRATED = [
    "90000001.ogg", "90000002.avi", "90000006.mp4", "90000008.wbm", "90000009.flv", "90000014.wav",
    "90000015.ogv", "90000021.webm", "90000029.wbm", "90000032.wav", "90000037.wav", "90000038.mp4",
]  # fmt: skip
# Password and token, which only the first start prints. The words around them are translated.
ADMINISTRATOR = re.compile(r": admin, \S+ (\S+)\n.*: ([0-9a-f]{64})\n")


class NotInTimeError(AssertionError):
    """The condition that a test waits for did not become true in time."""


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Call ``condition`` every 0.2 s; return its first true value or fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise NotInTimeError(f"not within {seconds} s: {what}")
        time.sleep(0.2)
    return value


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it."""

    pid: int
    started: int  # clock ticks after boot: distinguishes two processes with the same pid
    parent: int
    command: str
    environ: str

    @property
    def key(self) -> tuple[int, int]:
        return self.pid, self.started


def processes() -> list[Process]:
    """Return all processes that this user may inspect, except zombies."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()  # fields 3 and on
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            command = line.decode(errors="replace")
            environ = (folder / "environ").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if fields[0] != "Z":
            found.append(
                Process(int(folder.name), int(fields[19]), int(fields[1]), command, environ)
            )
    return found


@dataclass
class Data:
    """Data folder and database of a stack; several runs can use them one after the other."""

    folder: Path
    database_url: str
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, folder: Path) -> Data:
        """Create an empty data folder and an empty database of the suite's kind."""
        folder.mkdir(parents=True)
        if environment.DATABASE == "postgresql":
            name = f"stack_{uuid.uuid4().hex[:12]}"
            url = postgres.create_database(environment.server_url, name)
        else:
            url = f"sqlite:///{folder / 'db.sqlite3'}"
        return cls(folder, url)

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "WHISPER_BEAM_SIZE": "1",
            "JOB_REPUBLISH_SECONDS": "300",
            "SWEEP_SECONDS": "3",
            **self.settings,
        }

    def contents(self) -> Iterator[tuple[Path, bytes]]:
        """Yield every file of the data folder except the weights (a few hundred megabytes)."""
        for path in self.folder.rglob("*"):
            if path.is_file() and "weights" not in path.parts:
                yield path, path.read_bytes()


@dataclass
class Stack:
    """One run of the application. Use it through :func:`running`."""

    data: Data
    port: int
    process: subprocess.Popen[bytes]
    output: Path
    seen: set[tuple[int, int]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output_text(self) -> str:
        return self.output.read_text()

    @property
    def credentials(self) -> tuple[str, str] | None:
        """The administrator's password and token; None unless they were printed."""
        match = ADMINISTRATOR.search(self.output_text)
        return (match[1], match[2]) if match else None

    def wait_for(self, text: str, seconds: float = START_SECONDS) -> None:
        """Wait until the application has printed the text."""

        def printed() -> bool:
            if self.process.poll() is not None and text not in self.output_text:
                raise NotInTimeError(f"ended with {self.process.returncode}:\n{self.output_text}")
            return text in self.output_text

        try:
            wait_until(printed, seconds, f"{text!r} printed")
        except NotInTimeError as error:
            raise NotInTimeError(f"{error}; output:\n{self.output_text}") from error

    def alive(self) -> list[Process]:
        """Return the processes with the data folder of this run, and their descendants."""
        running = processes()
        mark = f"DATA_DIR={self.data.folder}\0"
        own = [p for p in running if mark in p.environ or p.key in self.seen]
        for process in own:  # the list grows within the loop
            own += [p for p in running if p.parent == process.pid and p not in own]
        # Remembered, since the child of a killed process gets another parent.
        self.seen |= {p.key for p in own}
        return own

    def child(self, *words: str) -> Process:
        """Return the only child of the supervisor whose command contains all the words."""
        [child] = self.children(*words)
        return child

    def children(self, *words: str) -> list[Process]:
        return [
            p
            for p in processes()
            if p.parent == self.process.pid and all(word in p.command for word in words)
        ]

    def stop(self, number: int = signal.SIGINT, seconds: float = 60) -> int:
        """Send a signal, by default that of Ctrl-C, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)

    def clean_up(self) -> None:
        """Stop the run and kill all processes that are left of it."""
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for process in self.alive():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def launch(
    data: Data, *arguments: str, port: int | None = None, program: str | Path = "manage.py"
) -> Stack:
    """Start ``manage.py run`` as a child process; return without waiting for it."""
    port = port or free_port()
    output = data.folder.with_name(f"{data.folder.name}-{uuid.uuid4().hex[:6]}.out")
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, str(program), "run", "--port", str(port), *arguments],
            cwd=ROOT,
            env=data.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return Stack(data, port, process, output)


@contextmanager
def running(
    data: Data, *arguments: str, port: int | None = None, program: str | Path = "manage.py"
) -> Iterator[Stack]:
    """Run a stack until the block ends; the block starts once it has printed its address."""
    stack = launch(data, *arguments, port=port, program=program)
    try:
        stack.wait_for(stack.address)
        yield stack
    finally:
        stack.clean_up()


@dataclass(frozen=True)
class Client:
    """Client of the API with a token."""

    stack: Stack
    token: str

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {"Authorization": f"Token {self.token}", "Accept-Language": "en"}
        return requests.request(
            method, self.stack.address + path, headers=headers, timeout=90, **arguments
        )

    def answers(self) -> bool:
        """Return whether a web process answers."""
        try:
            return self.request("GET", "/healthz").status_code == 200
        except requests.ConnectionError:
            return False

    def post_file(self, path: str, file: Path, name: str | None = None) -> requests.Response:
        with file.open("rb") as body:
            return self.request("POST", path, files={"file": (name or file.name, body)})

    def classified(self, file: Path, seconds: float = 120) -> dict[str, Any]:
        """Post a creative and poll its job until it ends; return the job."""
        answer = self.post_file("/api/v1/predict", file)
        assert answer.status_code in (200, 202), answer.text
        path = answer.headers["Location"].removeprefix(self.stack.address)
        return self.ended(path, seconds)

    def ended(self, path: str, seconds: float = 120) -> dict[str, Any]:
        """Poll the job at this address until it is final; return it."""

        def final() -> dict[str, Any] | None:
            try:
                job: dict[str, Any] = self.request("GET", path).json()
            except requests.ConnectionError:
                return None  # the web process is restarting
            return job if job["state"] in ("done", "failed", "cancelled") else None

        job: dict[str, Any] = wait_until(final, seconds, f"{path} ended")
        return job


def spoken(folder: Path, source: str, name: str, *, cut: float = 0.1) -> Path:
    """Copy a demonstration creative (wav) without its first ``cut`` seconds.

    Its bytes are then new to the application, which has to analyse it completely.
    """
    target = folder / name
    with wave.open(str(DEMO / source), "rb") as original:
        skipped = round(cut * original.getframerate())
        original.setpos(skipped)
        samples = original.readframes(original.getnframes() - skipped)
        with wave.open(str(target), "wb") as copy:
            copy.setparams(original.getparams())
            copy.writeframes(samples)
    return target


def some_of_the_demonstration(folder: Path, files: list[str]) -> Path:
    """Write a program like ``manage.py`` whose demonstration contains only these files."""
    part = folder / "demo"
    (part / "creatives").mkdir(parents=True)
    header, *rows = (ROOT / "demo" / "scripts.csv").read_text("utf-8").splitlines()
    chosen = [row for row in rows if row.split(",", 1)[0] in files]
    assert len(chosen) == len(files)
    (part / "scripts.csv").write_text("\n".join([header, *chosen]) + "\n", "utf-8")
    for file in files:
        shutil.copy(DEMO / file, part / "creatives" / file)
    program = folder / "manage_part.py"
    program.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "import django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'creativefilter.settings'\n"
        "from creativefilter.site.commands import main\n"
        "from creativefilter.site.private_files import keep_private\n"
        "keep_private()\n"
        "django.setup()\n"
        "from creativefilter.embedded import demonstration\n"
        f"demonstration.FOLDER = Path({str(part)!r})\n"
        "main(sys.argv)\n",
        "utf-8",
    )
    return program


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """First start of the application, which analyses ``DEMONSTRATED``; shared by all tests."""
    folder = tmp_path_factory.mktemp("first")
    program = some_of_the_demonstration(folder, DEMONSTRATED)
    with running(Data.new(folder / "data"), program=program) as first:
        yield first
        assert first.stop() == 0
        wait_until(lambda: not first.alive(), 20, "all processes of the run have ended")
