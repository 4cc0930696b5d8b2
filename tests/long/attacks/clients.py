"""Slow connections, and programs that poll over persistent connections."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.long.attacks.site import Row, Site

SHORTEST, LONGEST = 0.5, 5.0
# Seconds; at this interval every eighth poll failed in the security review.
REVIEWED = 2.0


@dataclass
class Slow:
    """Connections that send one byte per second and reconnect when the server closes them."""

    address: tuple[str, int]
    beginnings: list[bytes]
    reopened: int = 0
    refused: int = 0
    _open: list[socket.socket | None] = field(default_factory=list)

    @contextmanager
    def sending(self) -> Iterator[None]:
        stopped = threading.Event()
        self._open = [self._connect(beginning) for beginning in self.beginnings]
        thread = threading.Thread(target=self._trickle, args=(stopped,))
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
            for connection in self._open:
                if connection:
                    connection.close()

    def _connect(self, beginning: bytes) -> socket.socket | None:
        try:
            connection = socket.create_connection(self.address, timeout=10)
            connection.sendall(beginning)
        except OSError:
            self.refused += 1
            return None
        connection.setblocking(False)
        return connection

    def _trickle(self, stopped: threading.Event) -> None:
        while not stopped.wait(1):
            for number, connection in enumerate(self._open):
                if connection is None or not self._send_byte(connection):
                    self._open[number] = self._connect(self.beginnings[number])
                    self.reopened += 1

    def _send_byte(self, connection: socket.socket) -> bool:
        """Send one more byte; return False if the server has answered or closed the connection."""
        try:
            connection.recv(4096)
        except BlockingIOError:
            pass
        except OSError:
            return False
        else:
            connection.close()
            return False
        try:
            connection.send(b"x")
        except OSError:
            return False
        return True


def slow_connections(site: Site, each: int, seconds: float) -> list[Row]:
    """Hold slow connections and measure other requests meanwhile.

    Args:
        site: The application.
        each: Number of connections of each kind: slow headers, slow bodies, slow uploads.
        seconds: How long they are held.
    """
    token = f"Authorization: Token {site.tokens['slow']}\r\nHost: 127.0.0.1\r\n".encode()
    header = b"GET /api/v1/segments HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
    body = (
        b"POST /api/v1/labels/batches HTTP/1.1\r\n" + token + b"Content-Type: application/json\r\n"
        b"Content-Length: 5000\r\n\r\n{"
    )
    upload = (
        b"POST /api/v1/predict HTTP/1.1\r\n" + token + b"Content-Length: 5000000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    )
    slow = Slow(("127.0.0.1", site.port), [header, body, upload] * each)
    client = site.client(token="other")
    lives: list[float] = []
    calls: list[float] = []
    failed: Counter[str] = Counter()
    with slow.sending():
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            lives.append(
                _timed(lambda: site.get(site.client(), "/health/live").status_code, failed)
            )
            if len(lives) % 5 == 1:
                calls.append(
                    _timed(lambda: site.get(client, "/api/v1/creatives").status_code, failed)
                )
            time.sleep(0.1)
    what = f"{3 * each} slow connections ({each} headers, bodies, uploads each) for {seconds:.0f} s"
    now = f"reopened {slow.reopened}, refused {slow.refused}"
    live = f"{len(lives)} answers, slowest {max(lives):.2f} s"
    call = f"{len(calls)} answers, slowest {max(calls):.2f} s"
    return [
        Row("5", what, "no answers to anybody", now, not slow.refused),
        Row("5", "/health/live meanwhile, each on a new connection", "silent for 20 s", live,
            max(lives) < 1 and not failed),
        Row("5", "GET /api/v1/creatives meanwhile", "silent", f"{call}, wrong: {dict(failed)}",
            not failed),
    ]  # fmt: skip


def _timed(call: Callable[[], int], failed: Counter[str]) -> float:
    began = time.monotonic()
    try:
        if (status := call()) != 200:
            failed[str(status)] += 1
    except OSError as error:
        failed[type(error).__name__] += 1
    return time.monotonic() - began


@dataclass
class Poller:
    """A program that requests its jobs at an interval over one connection."""

    site: Site
    token: str
    interval: float
    counts: Counter[str] = field(default_factory=Counter)

    def run(self, until: float) -> None:
        connection: http.client.HTTPConnection | None = None
        with ExitStack() as last:
            while time.monotonic() < until:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
                    last.callback(connection.close)
                if not self._poll(connection):
                    connection.close()
                    connection = None
                time.sleep(self.interval)

    def _poll(self, connection: http.client.HTTPConnection) -> bool:
        """Send a request and count its outcome; return whether the connection stays open."""
        try:
            connection.request("GET", "/api/v1/jobs", headers={"Authorization": self.token})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self.counts[f"error {type(error).__name__}"] += 1
            return False
        self.counts[f"status {response.status}"] += 1
        if response.will_close:
            self.counts["closed after the answer"] += 1
        return not response.will_close


def polling(site: Site, clients: int, minutes: float) -> list[Row]:
    """Poll with one client every 2 s, the others at intervals spread evenly between 0.5 and 5 s."""
    step = (LONGEST - SHORTEST) / max(1, clients - 1)
    intervals = [REVIEWED, *(SHORTEST + step * number for number in range(1, clients))]
    pollers = [
        Poller(site, f"Token {site.tokens[f'poll{number % 4}']}", interval)
        for number, interval in enumerate(intervals)
    ]
    until = time.monotonic() + 60 * minutes
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(lambda poller: poller.run(until), pollers))
    total: Counter[str] = sum((poller.counts for poller in pollers), Counter())
    what = f"{clients} clients poll every {SHORTEST}-{LONGEST} s for {minutes:g} minutes"
    return [
        _row_of(what, "2 connections reset", total),
        _row_of(f"of these, the one every {REVIEWED} s", "28 of 240 failed", pollers[0].counts),
    ]


def _row_of(what: str, then: str, counts: Counter[str]) -> Row:
    errors = sum(count for kind, count in counts.items() if kind.startswith("error "))
    others = {kind: count for kind, count in counts.items() if kind != "status 200"}
    now = f"{counts['status 200']} answers, {errors} connection errors"
    return Row("6", what, then, f"{now}, other: {others}" if others else now,
               not others and counts["status 200"] > 0)  # fmt: skip
