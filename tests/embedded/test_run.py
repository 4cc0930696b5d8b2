"""``manage.py run``: starting, stopping, and killed processes."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis
from django.utils import translation

from creativefilter.embedded import supervisor
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

# The supervisor, gunicorn and two web processes, a worker and its pool process, the broker. The
# second worker, for people, is not counted.
ALL = 7
FILES = ["90000014.wav", "90000022.avi", "90000037.wav"]


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A finished first start with ``--demo`` on three of the demonstration creatives."""
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
    """The data folder after the demonstration."""
    return demonstrated.data


@pytest.fixture
def token(demonstrated: Stack) -> str:
    assert demonstrated.credentials
    return demonstrated.credentials[1]


@pytest.fixture(scope="module")
def second_start(demonstrated: Stack) -> Iterator[Stack]:
    """A second start, whose processes the tests kill one after the other."""
    with running(demonstrated.data) as stack:
        yield stack


def test_demo_prints_a_line_for_each_creative_and_ends(demonstrated: Stack) -> None:
    assert demonstrated.process.returncode == 0
    for file in FILES:
        assert len(re.findall(rf"^{file} ", demonstrated.output_text, re.MULTILINE)) == 1
    assert re.search(r"^90000014\.wav +\d+%  7 · Имидж$", demonstrated.output_text, re.MULTILINE)
    assert re.search(r"^90000037\.wav +— \w", demonstrated.output_text, re.MULTILINE)
    assert demonstrated.alive() == []
    stored = demonstrated.data.folder / "broker" / "appendonlydir"
    assert any(path.stat().st_size for path in stored.iterdir())


def test_second_start_keeps_data_and_ends_on_ctrl_c(data: Data, token: str, tmp_path: Path) -> None:
    with running(data) as stack:
        client = Client(stack, token)
        known = client.post_file("/api/v1/predict", DEMO / FILES[0])
        assert known.status_code == 200
        assert known.json()["result"]["segment_num"] == 7
        assert stack.credentials is None
        assert not re.search(r"admin|\.wav|\.avi", stack.output_text)

        wait_until(lambda: len(stack.alive()) >= ALL, 30, "everything runs")
        # A command that is started now sends its messages to this broker.
        address = broker_address.of_running_application(data.folder)
        with redis.Redis.from_url(address) as broker:
            assert broker.ping()
        assert stack.stop(signal.SIGINT) == 0
        assert stack.alive() == []
    assert broker_address.of_running_application(data.folder) == ""
    assert "Traceback" not in stack.output_text


def test_second_run_on_the_same_data_is_refused(second_start: Stack) -> None:
    second = launch(second_start.data)
    try:
        assert second.process.wait(60) != 0
    finally:
        second.process.kill()
        second.process.wait()
    assert str(second_start.data.folder) in second.output_text
    assert "Traceback" not in second.output_text
    assert second_start.process.poll() is None


def test_a_taken_port_is_named(data: Data) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack = launch(Data(data.folder.with_name("elsewhere"), data.database_url), port=port)
        try:
            assert stack.process.wait(60) != 0
        finally:
            stack.clean_up()
    assert str(port) in stack.output_text
    assert "Traceback" not in stack.output_text


def test_a_port_for_administrators_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Refusing)
    refusal = "Only an administrator of this machine may use port 80."
    with translation.override("en"), pytest.raises(supervisor.SupervisorError, match=refusal):
        supervisor._choose_port("127.0.0.1", 80)


def test_without_a_free_port_from_8000_on_all_are_called_taken() -> None:
    with contextlib.ExitStack() as taken:
        for port in range(8000, 8100):
            probe = taken.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # another program has it
                probe.bind(("127.0.0.1", port))
        refusal = "All ports from 8000 to 8099 are taken. Choose another: make run PORT=8100"
        with translation.override("en"), pytest.raises(supervisor.SupervisorError, match=refusal):
            supervisor._choose_port("127.0.0.1", None)


def test_an_error_of_the_sweep_does_not_end_the_application(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("on purpose")

    monkeypatch.setattr(supervisor, "sweep", fail)
    supervisor.Supervisor("127.0.0.1", 0)._sweep(messages_lost=False)
    assert "on purpose" in caplog.text


@pytest.mark.parametrize(
    "words",
    [("embedded@localhost",), ("people@localhost",), ("manage.py", "web"), ("valkey",)],
)
def test_a_killed_process_is_started_again(
    second_start: Stack, token: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    victim = second_start.child(*words)
    os.kill(victim.pid, signal.SIGKILL)

    def replaced() -> bool:
        return [p.pid for p in second_start.children(*words)] not in ([], [victim.pid])

    wait_until(replaced, 30, f"{words} runs again")
    client = Client(second_start, token)
    wait_until(client.answers, 30, "the web process answers")
    job = client.classified(spoken(tmp_path, "90000014.wav", f"82{victim.pid:06}.wav", cut=0.2))
    assert (job["state"], job["result"]["segment_num"]) == ("done", 7)
    # Processes that the killed one had started are gone, too: one of each kind is left.
    assert len(second_start.children(*words)) == 1
    assert not [p for p in second_start.alive() if p.parent == 1]


def long_speech(folder: Path) -> Path:
    """Join eight demonstration creatives, so that recognition takes some time."""
    from classifier.media import decode, write_wav

    target = folder / "83000001.wav"
    parts = [decode(path).audio for path in sorted(DEMO.iterdir())[20:28]]
    write_wav(target, np.concatenate(parts))
    return target


def test_killed_supervisor_leaves_no_process_and_its_jobs_are_done_later(
    data: Data, second_start: Stack, token: str, tmp_path: Path
) -> None:
    client = Client(second_start, token)
    answer = client.post_file("/api/v1/predict", long_speech(tmp_path))
    path = answer.headers["Location"].removeprefix(second_start.address)
    wait_until(lambda: client.request("GET", path).json()["stage"] == "speech", 60, "stage speech")
    assert len(second_start.alive()) >= ALL
    os.kill(second_start.process.pid, signal.SIGKILL)
    second_start.process.wait()
    wait_until(lambda: not second_start.alive(), 20, "no process is left")
    assert broker_address.of_running_application(data.folder) == ""

    with running(data) as third:
        job = Client(third, token).ended(path)
        assert job["state"] == "done"
        assert len(job["result"]["transcript"]) > 200
