"""Responses of a running web server while the database or the storage does not answer."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pytest
import requests

from tests import postgres
from tests.serving import Web, serving

pytestmark = [pytest.mark.stack, pytest.mark.any_database]


@pytest.fixture(scope="module")
def without_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Web server whose PostgreSQL stopped after the server had used it."""
    server = postgres.start(Path(tempfile.mkdtemp(prefix="creative-filter-away-")))
    folder = tmp_path_factory.mktemp("away")
    url = server.url("postgres")
    try:
        with serving(folder, migrate=True, DATABASE_URL=url) as web:
            token = {"Authorization": "Token 0123456789"}
            assert web.get("/api/v1/segments", headers=token).status_code == 401
            server.stop()
            yield web
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("language", "words"), [("en", "The database does not answer"), ("ru", "База данных")]
)
def test_pages_answer_503_with_a_sentence(without_database: Web, language: str, words: str) -> None:
    headers = {"Accept-Language": language, "Cookie": "sessionid=0123456789"}
    response = without_database.get("/admin/creatives/creative/", headers=headers)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert response.headers["Content-Type"].startswith("text/html")
    assert words in response.text


def test_the_api_answers_503_with_a_problem(without_database: Web) -> None:
    headers = {"Authorization": "Token 0123456789", "Accept-Language": "en"}
    response = without_database.get("/api/v1/creatives", headers=headers)
    assert (response.status_code, response.json()["code"]) == (503, "database_away")
    assert response.headers["Retry-After"] == "60"
    assert response.headers["Content-Type"] == "application/problem+json"


def test_live_succeeds_and_ready_names_the_database(without_database: Web) -> None:
    assert without_database.live() < 1
    response = without_database.get("/health/ready")
    assert response.status_code == 503
    assert "database" in response.json()["failing"]


@pytest.fixture
def hanging_port() -> Iterator[int]:
    """Port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        connections: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    connections.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in connections:
            connection.close()


def test_a_bucket_that_hangs_blocks_only_some_threads(tmp_path: Path, hanging_port: int) -> None:
    settings = {
        "WEB_THREADS": "4",
        "PREDICT_ANONYMOUS": "true",
        "STORAGE_S3_BUCKET": "creatives",
        "STORAGE_S3_ENDPOINT": f"http://127.0.0.1:{hanging_port}",
        "STORAGE_S3_ACCESS_KEY": "key",
        "STORAGE_S3_SECRET_KEY": "secret",
        "STORAGE_S3_REGION": "us-east-1",
        "STORAGE_S3_ADDRESSING": "path",
    }
    patch = "from creativefilter.site import s3\ns3.READ_SECONDS = 2\n"
    with (
        serving(tmp_path, patch=patch, migrate=True, **settings) as web,
        ThreadPoolExecutor(40) as clients,
    ):

        def upload(number: int) -> tuple[int, str]:
            files = {"file": (f"{number}.wav", b"%d" % number)}
            answer = requests.post(f"{web.address}/predict", files=files, timeout=60)
            return answer.status_code, answer.json()["code"]

        answers = [clients.submit(upload, number) for number in range(40)]
        times = []
        while not all(answer.done() for answer in answers):
            times.append(web.live())
            time.sleep(0.2)
        # Half of READ_SECONDS. The median, because a busy machine delays some answers.
        assert median(times) < 1, times
        assert Counter(a.result() for a in answers) == {(503, "storage_away"): 40}
