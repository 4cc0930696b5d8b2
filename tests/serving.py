"""``manage.py web`` as a child process, with its own port and data folder."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from creativefilter.embedded.broker import free_port
from creativefilter.embedded.processes import spawn, stop
from tests import environment

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Web:
    """A running web server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer requests."""
        parent = self.process.pid
        return [
            int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        ]

    def get(self, path: str, **arguments: object) -> requests.Response:
        return requests.get(self.address + path, timeout=30, **arguments)  # type: ignore[arg-type]

    def live(self) -> float:
        """Request /health/live on a new connection; return how many seconds the answer took."""
        began = time.monotonic()
        assert self.get("/health/live").json() == {"status": "ok"}
        return time.monotonic() - began


def copy_tables(data: Path) -> None:
    """Copy the suite's SQLite database into a data folder, which is faster than migrating.

    Needs the fixture ``django_db_setup``. Run ``migrate`` on the copy afterwards.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(environment.DATA_DIR / "test.sqlite3")) as tables,
        closing(sqlite3.connect(data / "db.sqlite3")) as database,
    ):
        tables.backup(database)


@contextmanager
def serving(folder: Path, *, patch: str = "", migrate: bool = False, **env: str) -> Iterator[Web]:
    """Run a web server until the block ends; the block starts once it answers.

    Args:
        folder: Folder for its data and its log.
        patch: Python code that runs before the server starts, such as shorter timeouts.
        migrate: Whether to run ``migrate`` first.
        env: Environment variables.
    """
    port = free_port()
    environ = {**os.environ, "DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    environ |= {"DATABASE_URL": f"sqlite:///{folder / 'data' / 'db.sqlite3'}", **env}
    (folder / "data").mkdir(exist_ok=True)
    command = [sys.executable, str(ROOT / "manage.py"), "web", "--port", str(port)]
    if patch:
        program = folder / "manage_patched.py"
        program.write_text(
            "import os, sys\nimport django\n"
            "os.environ['DJANGO_SETTINGS_MODULE'] = 'creativefilter.settings'\n"
            f"django.setup()\n{patch}\n"
            "from creativefilter.site.commands import main\nmain(sys.argv)\n"
        )
        command[1] = str(program)
    if migrate:
        manage = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"]
        subprocess.run(manage, env=environ, check=True)
    log = folder / "web.log"
    with log.open("ab") as output:
        process = spawn(command, environ, output=output)
    web = Web(port, process, log)
    try:
        _wait(web)
        yield web
    finally:
        stop(process, 15)


def _wait(web: Web) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert web.process.poll() is None, web.log.read_text()
        try:
            web.live()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(web.log.read_text())
