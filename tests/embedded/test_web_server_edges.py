"""Unusual HTTP requests to the real web server: none hangs or gives a 5xx other than 501."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.long.attacks.site import Site
from tests.serving import copy_tables, serving
from tests.stack import DEMO

pytestmark = pytest.mark.stack
SECONDS = 10
HOST = b"Host: 127.0.0.1\r\n"
CLOSE = HOST + b"Connection: close\r\n"
SOUND = DEMO / "90000014.wav"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"


@dataclass(frozen=True)
class Served:
    """A web server with a user's token, and a creative to download."""

    site: Site
    media: str

    @property
    def token(self) -> bytes:
        return f"Authorization: Token {self.site.tokens['other']}\r\n".encode()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.site.port), timeout=SECONDS)

    def answer(self, *parts: bytes) -> bytes:
        """Send the parts and return everything until the server closes the connection."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("edges")
    data = folder / "data"
    copy_tables(data)
    database = f"sqlite:///{data / 'db.sqlite3'}"
    environ = {**os.environ, "DATA_DIR": str(data), "DATABASE_URL": database}
    with serving(folder, migrate=True) as web:
        site = Site(web.port, environ, has_worker=False)
        site.prepare()
        client = site.client(token="other")
        with SOUND.open("rb") as file:
            made = site.post(client, "/api/v1/creatives", files={"file": ("1.wav", file)})
        creative = site.get(client, f"/api/v1/creatives/{made.json()['results'][0]['creative']}")
        found = re.search(r"/api/v1/media/\d+", creative.text)
        assert found, creative.text
        yield Served(site, found[0])


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found, answer[:200]
    return int(found[1])


def upload(name: bytes) -> bytes:
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'
    return start + SOUND.read_bytes()[:40_000] + name + b"\r\n--b--\r\n"


def chunked(body: bytes, size: int = 7000) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


ODD = {
    "HTTP/1.0": (b"GET /health/live HTTP/1.0\r\n\r\n", 200),
    "HTTP/1.0 without a host": (b"GET /api/v1/segments HTTP/1.0\r\n\r\n", 400),
    "no version": (b"GET /health/live\r\n\r\n", 200),
    "unknown version": (b"GET /health/live HTTP/9.9\r\n" + CLOSE + b"\r\n", 200),
    "header of 64 kB": (b"GET / HTTP/1.1\r\n" + CLOSE + b"X: " + b"x" * 65_536 + b"\r\n\r\n", 431),
    "5,000 headers": (b"GET /health/live HTTP/1.1\r\n" + CLOSE + b"X: y\r\n" * 5000 + b"\r\n", 200),
    "request line of 9 kB": (
        b"GET /api/v1/segments?x=" + b"x" * 9216 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n", 401),
    "path of 9 kB": (b"GET /" + b"x" * 9216 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n", 404),
    "another host": (b"GET / HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n", 400),
    "whole address": (b"GET http://127.0.0.1/health/live HTTP/1.1\r\n" + CLOSE + b"\r\n", 200),
    "NUL in the path": (b"GET /%00 HTTP/1.1\r\n" + CLOSE + b"\r\n", 404),
    "invalid UTF-8 in the path": (b"GET /%ff%fe HTTP/1.1\r\n" + CLOSE + b"\r\n", 404),
    "invalid UTF-8 in a parameter": (
        b"GET /api/v1/segments?a=%ff HTTP/1.1\r\n" + CLOSE + b"\r\n", 401),
    "unknown method": (b"BREW /api/v1/segments HTTP/1.1\r\n" + CLOSE + b"\r\n", 401),
    "trace": (b"TRACE /health/live HTTP/1.1\r\n" + CLOSE + b"\r\n", 405),
    "noise": (bytes(range(128, 256)) + b"\r\n\r\n", 400),
    "space before a colon": (b"GET / HTTP/1.1\r\n" + CLOSE + b"X : y\r\n\r\n", 400),
    "header without a name": (b"GET / HTTP/1.1\r\n" + CLOSE + b": y\r\n\r\n", 400),
    "two lengths": (
        b"POST /predict HTTP/1.1\r\n" + CLOSE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        400),
    "negative length": (
        b"POST /predict HTTP/1.1\r\n" + CLOSE + b"Content-Length: -1\r\n\r\n", 400),
    "length of 40 digits": (
        b"POST /predict HTTP/1.1\r\n" + CLOSE + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", 413),
    "a chunk without a size": (
        b"POST /predict HTTP/1.1\r\n" + CLOSE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    # RFC 9112, section 6.1, requires 501 here.
    "unknown coding": (
        b"POST /predict HTTP/1.1\r\n" + CLOSE + b"Transfer-Encoding: gzip\r\n\r\n", 501),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_odd_request_is_answered(served: Served, name: str) -> None:
    request, expected = ODD[name]
    assert status_of(served.answer(request)) == expected


def test_server_still_answers_after_odd_requests(served: Served) -> None:
    assert served.site.get(served.site.client(), "/health/live").status_code == 200


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    paths = [b"/health/live", b"/api/v1/segments", b"/static/creativefilter/favicon.svg"]
    whole = b"".join(
        b"GET %s HTTP/1.1\r\n%s\r\n" % (path, HOST if path != paths[-1] else CLOSE)
        for path in paths
    )
    answer = served.answer(whole)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"401", b"200"]
    assert answer.rstrip().endswith(b"</svg>")


def test_header_may_arrive_byte_by_byte(served: Served) -> None:
    request = b"GET /health/live HTTP/1.1\r\n" + CLOSE + b"\r\n"
    assert status_of(served.answer(*(bytes([one]) for one in request))) == 200


def test_head_response_has_no_body_and_keeps_the_connection(served: Served) -> None:
    for path in (
        "/health/live",
        "/admin/login/",
        "/api/v1/segments",
        served.media,
        "/static/creativefilter/favicon.svg",
    ):
        head = b"HEAD %s HTTP/1.1\r\n%s%sAccept-Language: en\r\n\r\n" % (
            path.encode(),
            HOST,
            served.token,
        )
        get = b"GET /health/live HTTP/1.1\r\n" + CLOSE + b"\r\n"
        first, second = served.answer(head, get).split(b"\r\n\r\n", 1)
        assert (status_of(first), status_of(second)) == (200, 200), path
        whole = served.site.get(served.site.client(token="other"), path)
        assert f"content-length: {len(whole.content)}".encode() in first.lower(), path


@pytest.mark.parametrize(
    ("requested", "status", "span"),
    [
        ("bytes=0-0", 206, (0, 1)),
        ("bytes=10-99", 206, (10, 100)),
        ("bytes=-100", 206, (-100, None)),
        ("bytes=100-", 206, (100, None)),
        ("bytes=0-999999999999", 206, (0, None)),
        ("bytes=99999999-", 416, None),
        ("bytes=5-2", 200, (0, None)),
        ("bytes=0-1,5-9", 200, (0, None)),
        ("letters=0-1", 200, (0, None)),
        ("", 200, (0, None)),
    ],
)
def test_ranges_of_media(
    served: Served, requested: str, status: int, span: tuple[int, int | None] | None
) -> None:
    client = served.site.client(token="other")
    answer = served.site.get(
        client, served.media, headers={"Range": requested} if requested else {}
    )
    assert answer.status_code == status
    if span is not None:
        assert answer.content == SOUND.read_bytes()[slice(*span)]
        assert int(answer.headers["Content-Length"]) == len(answer.content)
    if status == 206:
        assert answer.headers["Content-Range"].endswith(f"/{SOUND.stat().st_size}")


def test_expect_100_is_answered_by_continue(served: Served) -> None:
    body = upload(b"2.wav")
    with served.connect() as connection:
        connection.sendall(
            b"POST /api/v1/predict HTTP/1.1\r\n" + CLOSE + served.token + FORM
            + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        )  # fmt: skip
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        assert status_of(connection.recv(1 << 16)) == 202


def test_expect_100_with_a_too_long_body_is_refused_at_once(served: Served) -> None:
    request = b"POST /api/v1/predict HTTP/1.1\r\n" + CLOSE + served.token + FORM
    asking = b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
    assert status_of(served.answer(request + asking)) == 413


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_expect_100_without_a_body_is_answered(served: Served, method: bytes) -> None:
    request = method + b" /api/v1/segments HTTP/1.1\r\n" + CLOSE + served.token
    asking = b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n"
    assert status_of(served.answer(request + asking)) in (200, 405)


def test_chunked_upload_is_accepted(served: Served) -> None:
    request = b"POST /api/v1/predict HTTP/1.1\r\n" + CLOSE + served.token + FORM
    request += b"Transfer-Encoding: chunked\r\n\r\n"
    assert status_of(served.answer(request, chunked(upload(b"3.wav")))) == 202


def test_too_long_chunked_json_is_refused(served: Served) -> None:
    request = b"POST /api/v1/labels/batches HTTP/1.1\r\n" + CLOSE + served.token
    request += b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = chunked(b"[" + b" " * 30_000_000, 1 << 20)
    assert status_of(served.answer(request, body)) == 413
