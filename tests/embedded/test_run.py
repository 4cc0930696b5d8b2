"""What ``manage.py run`` promises to whoever starts it, stops it or kills its processes."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis

from creativefilter.site import broker_address
from tests.stack import (
    DEMO,
    Client,
    Data,
    Stack,
    launch,
    running,
    some_of_the_demonstration,
    spoken,
    wait_until,
)

pytestmark = pytest.mark.stack

# The supervisor, the web server and two that answer, the worker and one of its pool, the broker.
ALL = 7
FILES = ["90000014.wav", "90000022.avi", "90000037.wav"]


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A first start with ``--demo`` on three of the demonstration creatives, run to its end."""
    folder = tmp_path_factory.mktemp("demonstrated")
    program = some_of_the_demonstration(folder, FILES)
    stack = launch(Data.new(folder / "data"), "--demo", program=program)
    try:
        stack.process.wait(180)
    finally:
        stack.clean_up()
    return stack


@pytest.fixture
def data(demonstrated: Stack) -> Data:
    """The data that the demonstration left."""
    return demonstrated.data


@pytest.fixture
def token(demonstrated: Stack) -> str:
    assert demonstrated.credentials
    return demonstrated.credentials[1]


@pytest.fixture(scope="module")
def sturdy(demonstrated: Stack) -> Iterator[Stack]:
    """A second start, whose processes are killed one after the other."""
    with running(demonstrated.data) as stack:
        yield stack


def test_demo_prints_its_table_and_ends(demonstrated: Stack) -> None:
    assert demonstrated.process.returncode == 0
    for file in FILES:
        assert len(re.findall(rf"^{file} ", demonstrated.said, re.MULTILINE)) == 1
    assert re.search(r"^90000014\.wav +\d+%  7 · Имидж$", demonstrated.said, re.MULTILINE)
    assert re.search(r"^90000037\.wav +— \w", demonstrated.said, re.MULTILINE)
    assert demonstrated.alive() == []
    kept = demonstrated.data.folder / "broker" / "appendonlydir"
    assert any(path.stat().st_size for path in kept.iterdir())


def test_second_start_keeps_data_and_ctrl_c_ends_it(data: Data, token: str, tmp_path: Path) -> None:
    with running(data) as stack:
        client = Client(stack, token)
        known = client.post_file("/api/v1/predict", DEMO / FILES[0])
        assert known.status_code == 200
        assert known.json()["result"]["segment_num"] == 7
        assert stack.credentials is None
        assert not re.search(r"admin|\.wav|\.avi", stack.said)

        wait_until(lambda: len(stack.alive()) >= ALL, 30, "everything runs")
        # A command that is started now queues its work there.
        address = broker_address.of_running_application(data.folder)
        with redis.Redis.from_url(address) as broker:
            assert broker.ping()
        assert stack.stop(signal.SIGINT) == 0
        assert stack.alive() == []
    assert broker_address.of_running_application(data.folder) == ""
    assert "Traceback" not in stack.said


def test_a_second_run_on_the_same_data_says_so(sturdy: Stack) -> None:
    second = launch(sturdy.data)
    try:
        assert second.process.wait(60) != 0
    finally:
        second.process.kill()
        second.process.wait()
    assert str(sturdy.data.folder) in second.said
    assert "Traceback" not in second.said
    assert sturdy.process.poll() is None


def test_a_taken_port_is_named(data: Data) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack = launch(Data(data.folder.with_name("elsewhere"), data.database_url), port=port)
        try:
            assert stack.process.wait(60) != 0
        finally:
            stack.clean_up()
    assert str(port) in stack.said
    assert "Traceback" not in stack.said


@pytest.mark.parametrize(
    "words",
    [("embedded@localhost",), ("people@localhost",), ("manage.py", "web"), ("valkey",)],
)
def test_a_killed_process_is_started_again(
    sturdy: Stack, token: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    victim = sturdy.child(*words)
    os.kill(victim.pid, signal.SIGKILL)

    def replaced() -> bool:
        return [p.pid for p in sturdy.children(*words)] not in ([], [victim.pid])

    wait_until(replaced, 30, f"{words} runs again")
    client = Client(sturdy, token)
    wait_until(client.answers, 30, "the web process answers")
    job = client.classified(spoken(tmp_path, "90000014.wav", f"82{victim.pid:06}.wav", cut=0.2))
    assert (job["state"], job["result"]["segment_num"]) == ("done", 7)
    # What the dead one had started is gone, too: one of each kind is left.
    assert len(sturdy.children(*words)) == 1
    assert not [p for p in sturdy.alive() if p.parent == 1]


def long_speech(folder: Path) -> Path:
    """Eight demonstration creatives in a row: the recogniser is busy for some time."""
    from classifier.media import decode, write_wav

    target = folder / "83000001.wav"
    parts = [decode(path).audio for path in sorted(DEMO.iterdir())[20:28]]
    write_wav(target, np.concatenate(parts))
    return target


def test_a_killed_supervisor_leaves_nothing_and_its_work_is_done_later(
    data: Data, sturdy: Stack, token: str, tmp_path: Path
) -> None:
    client = Client(sturdy, token)
    answer = client.post_file("/api/v1/predict", long_speech(tmp_path))
    path = answer.headers["Location"].removeprefix(sturdy.address)
    wait_until(lambda: client.request("GET", path).json()["stage"] == "speech", 60, "speech")
    assert len(sturdy.alive()) >= ALL
    os.kill(sturdy.process.pid, signal.SIGKILL)
    sturdy.process.wait()
    wait_until(lambda: not sturdy.alive(), 20, "no process is left")
    assert broker_address.of_running_application(data.folder) == ""

    with running(data) as third:
        job = Client(third, token).ended(path)
        assert job["state"] == "done"
        assert len(job["result"]["transcript"]) > 200
