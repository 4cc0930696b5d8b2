"""``manage.py web`` with clients that are slow, numerous or send too much."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from creativefilter.embedded.broker import Broker
from tests.serving import ROOT, Web, serving
from tests.stack import wait_until

pytestmark = pytest.mark.stack

THREADS = 3
UPLOAD = (
    b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, broker_server: Broker) -> Iterator[Web]:
    """Two processes of three threads each, which share request counts in a broker."""
    settings = {
        "REDIS_URL": broker_server.url,
        "WEB_PROCESSES": "2",
        "WEB_THREADS": str(THREADS),
        "PREDICT_ANONYMOUS": "true",
        "API_ANONYMOUS_RATE": "20/d",
    }
    with serving(tmp_path_factory.mktemp("web"), migrate=True, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A server whose deadlines are one second."""
    patch = (
        "from creativefilter.embedded import web_server\n"
        "web_server.HEADER_SECONDS = web_server.BODY_SECONDS = 1\n"
    )
    settings = {"PREDICT_ANONYMOUS": "true"}
    with serving(tmp_path_factory.mktemp("impatient"), patch=patch, **settings) as running:
        yield running


def connect(web: Web, *parts: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", web.port), timeout=15)
    for part in parts:
        connection.sendall(part)
    return connection


def test_slow_clients_occupy_no_thread(web: Web) -> None:
    with ExitStack() as slow:
        for _ in range(20):
            slow.enter_context(connect(web, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A"))
            slow.enter_context(connect(web, UPLOAD))
            trickling = slow.enter_context(connect(web, UPLOAD))
            trickling.sendall(b"x")
        assert max(web.live() for _ in range(20)) < 1


@pytest.mark.parametrize("part", [b"GET / HTTP/1.1\r\nHost: x\r\nX-A", UPLOAD])
def test_headers_and_bodies_have_a_deadline(impatient: Web, part: bytes) -> None:
    with connect(impatient, part) as connection:
        start = time.monotonic()
        assert connection.recv(100) == b""
        assert time.monotonic() - start < 10


def test_steadily_sent_body_has_no_deadline(impatient: Web) -> None:
    with connect(impatient, UPLOAD) as connection:
        for _ in range(10):
            connection.sendall(b"x" * 9900)
            time.sleep(0.4)
        connection.sendall(b"x" * 2000)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_connection_is_kept_between_polls(web: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=15)
    for pause in (0, 2, 5):
        time.sleep(pause)
        connection.request("GET", "/health/live")
        response = connection.getresponse()
        assert response.read()
        assert not response.will_close


def test_static_file_is_sent_unchanged(web: Web) -> None:
    path = "creativefilter/favicon.svg"
    response = web.get(f"/static/{path}")
    assert response.content == (ROOT / "creativefilter" / "static" / path).read_bytes()


def test_processes_share_the_counts_of_requests(web: Web) -> None:
    def send(_number: int) -> int:
        return requests.post(f"{web.address}/predict", timeout=30).status_code

    # The requests fall into two windows if the day ends in between.
    with ThreadPoolExecutor(8) as clients:
        statuses = Counter(clients.map(send, range(80)))
    assert statuses.keys() == {400, 429}
    assert statuses[400] in (20, 40), statuses


def test_a_killed_process_is_replaced(web: Web) -> None:
    before = web.workers()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)

    def replaced() -> bool:
        now = web.workers()
        return len(now) == 2 and before[0] not in now

    wait_until(replaced, 15, "two processes again")
    assert all(web.live() < 5 for _ in range(5))


def test_running_request_is_answered_before_the_server_stops(tmp_path: Path) -> None:
    """A request takes 2 s, and the server gets SIGTERM meanwhile."""
    patch = (
        "import time\nfrom creativefilter.jobs import health\n"
        "look = health._uncached\n"
        "health._uncached = lambda response: (time.sleep(2), look(response))[1]\n"
    )
    with serving(tmp_path, patch=patch) as web, ThreadPoolExecutor(1) as client:
        answer = client.submit(web.get, "/health/live")
        time.sleep(0.7)
        web.process.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 200
        assert web.process.wait(10) == 0
