"""Request bodies that are too large, with and without a Content-Length."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client

from creativefilter.jobs.models import Job
from tests.creatives.analysing import stored_files
from tests.serving import serving

MIB = 1024**2
BOUNDARY = "----boundary"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="1.avi"\r\n'
    "Content-Type: video/avi\r\n\r\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


class Body:
    """A request body of a given size that counts the bytes read from it."""

    def __init__(self, size: int) -> None:
        self.head, self.left, self.tail, self.taken = HEAD, size, TAIL, 0

    def read(self, size: int) -> bytes:
        if self.head:
            content, self.head = self.head[:size], self.head[size:]
        elif self.left:
            content = b"x" * min(size, self.left)
            self.left -= len(content)
        else:
            content, self.tail = self.tail[:size], self.tail[size:]
        self.taken += len(content)
        return content

    readline = read


@pytest.fixture
def temporary(tmp_path: Path, settings: Any) -> Path:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "temporary")
    Path(settings.FILE_UPLOAD_TEMP_DIR).mkdir()
    settings.UPLOAD_MAX_BYTES = 4 * MIB
    return tmp_path / "temporary"


def ask(api: Any, body: Body, path: str = "/api/v1/predict", **environ: Any) -> tuple[int, Any]:
    """Call the application as a WSGI server would; return the status and the body."""
    answer: dict[str, Any] = {}
    call = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
        "wsgi.input": body,
        "wsgi.url_scheme": "http",
        "wsgi.input_terminated": True,
        "HTTP_ACCEPT_LANGUAGE": "en",
        **api._credentials,
        **environ,
    }
    for signal in (request_started, request_finished):  # keep the connection of the test open
        signal.disconnect(close_old_connections)
    try:
        response = get_wsgi_application()(call, lambda status, _: answer.update(status=status))
        content = b"".join(response)
        response.close()  # type: ignore[attr-defined]
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
    return int(answer["status"].split()[0]), json.loads(content) if content[:1] == b"{" else content


@pytest.mark.django_db
def test_a_body_with_too_large_a_content_length_is_not_read(
    api: Any, temporary: Path, folders: Path
) -> None:
    body = Body(10 * 1024**3)
    status, problem = ask(api, body, CONTENT_LENGTH=str(10 * 1024**3))
    assert (status, problem["code"], body.taken) == (413, "too_large", 0)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_chunked_body_is_refused_once_it_is_too_large(
    api: Any, temporary: Path, folders: Path
) -> None:
    body = Body(100 * MIB)
    status, problem = ask(api, body, HTTP_TRANSFER_ENCODING="chunked")
    assert (status, problem["code"]) == (413, "too_large")
    assert 4 * MIB < body.taken < 6 * MIB
    assert list(temporary.iterdir()) == []
    assert not stored_files(folders)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_chunked_body_that_is_small_enough_is_accepted(
    api: Any, temporary: Path, folders: Path
) -> None:
    status, answer = ask(api, Body(3 * MIB), HTTP_TRANSFER_ENCODING="chunked")
    assert (status, answer["state"]) == (202, "queued")
    [stored] = stored_files(folders)
    assert stored.stat().st_size == 3 * MIB
    assert list(temporary.iterdir()) == []


@pytest.mark.django_db
def test_a_server_without_chunked_input_requires_a_content_length(
    api: Any, temporary: Path
) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": False}
    status, problem = ask(api, Body(10), **chunked)
    assert (status, problem["code"]) == (411, "length_needed")


@pytest.mark.django_db
def test_a_json_body_has_a_smaller_limit(api: Any) -> None:
    response = api.post(
        "/api/v1/predict", b"[" + b"1," * 2 * MIB + b"1]", content_type="application/json"
    )
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


@pytest.mark.django_db
def test_pages_refuse_bodies_that_are_too_large(
    analyst: User, temporary: Path, settings: Any
) -> None:
    settings.REQUEST_MAX_BYTES = 2 * MIB
    client = Client(headers={"Accept-Language": "en"})
    form = {"files": [SimpleUploadedFile("1.avi", b"x" * 3 * MIB)]}
    address = "/admin/creatives/creative/add/"
    client.force_login(analyst)
    response = client.post(address, form)
    assert response.status_code == 413
    assert response.content.decode().startswith("The request is larger")
    assert list(temporary.iterdir()) == []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int, Path]]:
    """A web server: its port, the process ID of its worker, and its folder of temporary files."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "temporary").mkdir()
    environ = {
        "TMPDIR": str(folder / "temporary"),
        "PREDICT_ANONYMOUS": "true",
        "UPLOAD_MAX_BYTES": str(4 * MIB),
    }
    with serving(folder, **environ) as web:
        yield web.port, web.workers()[0], folder / "temporary"


def resident(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def begin(port: int, length: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(
        f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
    )
    return connection


def test_a_server_answers_before_the_body_is_sent(server: tuple[int, int, Path]) -> None:
    port, _worker, _temporary = server
    with begin(port, f"Content-Length: {10 * 1024**3}") as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_after_a_large_body_a_server_keeps_no_temporary_file_and_no_memory(
    server: tuple[int, int, Path],
) -> None:
    port, worker, temporary = server
    before = resident(worker)
    chunk = b"x" * MIB
    with begin(port, "Transfer-Encoding: chunked") as connection:
        connection.sendall(b"%x\r\n%s\r\n" % (len(HEAD), HEAD))
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.sendall(b"0\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert list(temporary.iterdir()) == []
    assert resident(worker) - before < 32 * MIB
