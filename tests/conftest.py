"""Fixtures for all tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import translation
from rest_framework.test import APIClient

from creativefilter.celery import app
from creativefilter.embedded import broker as embedded_broker
from creativefilter.embedded.processes import spawn, stop
from creativefilter.site.lanes import QUEUES
from tests.stack import stack
from tests.tasks.queueing import publish_to

__all__ = ["stack"]

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo" / "creatives"


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the reference transcripts; skips the test if it is absent."""
    folder = Path(os.environ.get("REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "transcripts_dev.csv").is_file():
        pytest.skip(f"no reference data in {folder} (set REFERENCE_DATA)")
    return folder


def pytest_configure() -> None:
    # Real password hashing takes a third of a second, and the suite creates hundreds of users.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # A shell makes background processes ignore SIGINT; processes started by tests would inherit it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_language_is_left() -> Iterator[None]:
    """Deactivate the language that a request activated in this thread."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Put SQLite's test database into a file, so that worker processes can open it."""
    default = settings.DATABASES["default"]
    if "sqlite" in default["ENGINE"]:
        default.setdefault("TEST", {})["NAME"] = str(Path(settings.DATA_DIR) / "test.sqlite3")


@pytest.fixture(scope="session")
def broker_server() -> Iterator[embedded_broker.Broker]:
    """Broker for the whole suite; see ``broker``."""
    server = embedded_broker.start(None)
    yield server
    app.close()
    server.stop()


@pytest.fixture
def broker(broker_server: embedded_broker.Broker) -> Iterator[embedded_broker.Broker]:
    """The real broker, to which this process publishes; tests without this fixture have none."""
    before = app.conf.broker_url
    publish_to(broker_server.url)
    yield broker_server
    publish_to(before)


def database_url() -> str:
    """Return the URL of this process's test database, for other processes."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"postgres://postgres@127.0.0.1:{connection.settings_dict['PORT']}/{name}"


WorkerStart = Callable[..., Any]


@pytest.fixture
def worker(
    broker: embedded_broker.Broker, transactional_db: None, tmp_path: Path
) -> Iterator[WorkerStart]:
    """Function that starts a real worker on the test database; all are stopped at the end."""
    from creativefilter.jobs.models import Job

    started = []

    def start(
        name: str = "test@suite", processes: int = 1, queues: Sequence[str] = QUEUES, **env: str
    ) -> Any:
        process = spawn(
            [
                sys.executable, "-m", "celery", "--app", "tests.worker_app", "worker",
                "--hostname", name, "--concurrency", str(processes),
                "--queues", ",".join(queues), "--without-gossip", "--without-mingle",
            ],
            {
                "DATABASE_URL": database_url(),
                "REDIS_URL": broker.url,
                "WHISPER_BEAM_SIZE": "1",
                "PYTHONPATH": str(ROOT),
                **env,
            },
            output=(tmp_path / "worker.log").open("ab"),
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        stop(process, 20)
    Job.objects.all().delete()
    with app.connection_for_write() as connection:
        for queue in QUEUES:
            connection.default_channel.queue_purge(queue)


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Function ``eventually(condition, seconds)`` that waits for a condition or fails the test."""

    def wait(condition: Callable[[], Any], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not become true in time"
            time.sleep(0.1)

    return wait


@pytest.fixture
def analyst(db: None) -> User:
    """A superuser; ``tests.api.roles_of`` makes users with a role."""
    return User.objects.create_superuser("analyst", password="secret-enough")


@pytest.fixture
def api(analyst: User) -> APIClient:
    """REST client with the token of the superuser ``analyst``."""
    from knox.models import AuthToken

    _row, token = AuthToken.objects.create(user=analyst)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}", HTTP_ACCEPT_LANGUAGE="en")
    return client
