"""The embedded broker keeps its data and its password, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from creativefilter.embedded import broker
from tests.stack import ROOT, processes, wait_until


@pytest.fixture
def broker_with_data(tmp_path: Path) -> Iterator[broker.Broker]:
    """A broker that stores its data in a folder."""
    server = broker.start(tmp_path / "broker", tmp_path / "broker.log")
    yield server
    server.stop()


def client(server: broker.Broker) -> redis.Redis:
    return redis.Redis.from_url(server.url, socket_timeout=5)


def test_broker_requires_the_password(broker_with_data: broker.Broker) -> None:
    assert client(broker_with_data).ping()
    for password in (None, "", "wrong"):
        other = redis.Redis(
            port=broker_with_data.port, password=password, retry=Retry(NoBackoff(), 0)
        )
        with pytest.raises(redis.AuthenticationError):
            other.ping()


def test_password_is_in_no_command_line_and_in_no_file(
    broker_with_data: broker.Broker, tmp_path: Path
) -> None:
    client(broker_with_data).set("key", "value")
    assert all(broker_with_data.password not in process.command for process in processes())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all(broker_with_data.password.encode() not in path.read_bytes() for path in files)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_data_survive_a_restart_at_the_same_address(
    broker_with_data: broker.Broker, number: int
) -> None:
    url = broker_with_data.url
    client(broker_with_data).rpush("queue", "first", "second")
    assert broker_with_data.process is not None
    broker_with_data.process.send_signal(number)
    broker_with_data.process.wait(10)
    broker_with_data.start()
    assert broker_with_data.url == url
    assert client(broker_with_data).lrange("queue", 0, -1) == [b"first", b"second"]


def test_broker_without_a_folder_writes_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = broker.start(None)
    try:
        client(server).set("key", "value")
        assert list(tmp_path.iterdir()) == []
    finally:
        server.stop()


def test_broker_that_cannot_start_names_its_log(
    broker_with_data: broker.Broker, tmp_path: Path
) -> None:
    log = tmp_path / "second.log"
    second = broker.Broker(None, log, port=broker_with_data.port)
    with pytest.raises(broker.BrokerError, match=r"\b1\b.*second\.log"):
        second.start()
    assert b"in use" in log.read_bytes()


def test_broker_dies_with_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path\n"
            "from creativefilter.embedded import broker\n"
            "print(broker.start(Path(sys.argv[1])).process.pid, flush=True); time.sleep(600)",
            str(tmp_path / "broker"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    wait_until(lambda: pid not in {p.pid for p in processes()}, 10, "the broker is gone")
