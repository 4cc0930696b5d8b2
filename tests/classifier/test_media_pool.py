"""One child decodes many files, keeps nothing of them and belongs to one process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import make_media

from classifier.errors import ErrorCode, MediaError
from classifier.media import SAMPLE_RATE, decode

Processes = Callable[[int], list[int]]
pytestmark = pytest.mark.usefixtures("scratch", "fresh_children")


def test_one_child_serves_good_and_bad_files_and_keeps_nothing_open(
    tmp_path: Path, children: Processes
) -> None:
    good = make_media(tmp_path / "good.wav", 0.2)
    bad = tmp_path / "bad.wav"
    bad.write_text("Скидки до конца недели")
    decode(good)
    [child] = children(os.getpid())
    before = len(open_files(os.getpid())), open_files(child)
    for _ in range(8):
        assert len(decode(good).audio) == 0.2 * SAMPLE_RATE
        with pytest.raises(MediaError) as caught:
            decode(bad)
        assert caught.value.code is ErrorCode.NOT_MEDIA
    assert children(os.getpid()) == [child]
    assert (len(open_files(os.getpid())), open_files(child)) == before
    assert Path(f"/proc/{child}/task/{child}/children").read_text() == ""  # not even a zombie
    # With several threads a fork could hang.
    assert len(list(Path(f"/proc/{child}/task").iterdir())) == 1


def open_files(process: int) -> list[str]:
    return sorted(entry.name for entry in Path(f"/proc/{process}/fd").iterdir())


def test_child_that_died_while_idle_is_replaced(tmp_path: Path, children: Processes) -> None:
    path = make_media(tmp_path / "spot.wav", 0.2)
    decode(path)
    [first] = children(os.getpid())
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert len(decode(path).audio) == 0.2 * SAMPLE_RATE
    [second] = children(os.getpid())
    assert second != first
    assert not Path(f"/proc/{first}").exists()


def test_sigterm_does_not_stop_a_child(tmp_path: Path, children: Processes) -> None:
    path = make_media(tmp_path / "spot.wav", 0.2)
    decode(path)
    [child] = children(os.getpid())
    os.kill(child, signal.SIGTERM)
    assert len(decode(path).audio) == 0.2 * SAMPLE_RATE
    assert children(os.getpid()) == [child]


def test_a_forked_worker_has_a_child_of_its_own(tmp_path: Path, children: Processes) -> None:
    """Celery forks its workers from a process that may have decoded before."""
    path = make_media(tmp_path / "spot.wav", 0.2)
    decode(path)
    own_children = children(os.getpid())
    reading, writing = os.pipe()
    worker = os.fork()
    if not worker:
        try:
            samples = len(decode(path).audio)
            os.write(writing, f"{samples} {children(os.getpid())}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(worker, 0)
    answer = os.read(reading, 1000).decode()
    os.close(reading)
    samples, worker_children = answer.split(maxsplit=1)
    assert int(samples) == 0.2 * SAMPLE_RATE
    assert len(own_children) == 1
    assert worker_children not in ("[]", str(own_children))
    assert len(decode(path).audio) == 0.2 * SAMPLE_RATE
    assert children(os.getpid()) == own_children


def test_each_thread_gets_the_result_of_its_own_file(tmp_path: Path, children: Processes) -> None:
    paths = [make_media(tmp_path / f"{tenths}.wav", tenths / 10) for tenths in range(1, 7)]
    with ThreadPoolExecutor(3) as threads:
        lengths = list(threads.map(lambda path: len(decode(path).audio), paths * 2))
    assert lengths == [tenths * SAMPLE_RATE // 10 for tenths in range(1, 7)] * 2
    assert len(children(os.getpid())) <= (os.cpu_count() or 1)
