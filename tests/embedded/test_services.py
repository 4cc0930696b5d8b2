"""``manage.py worker`` and ``beat``, as containers run them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from creativefilter.celery import app
from creativefilter.embedded.alive import Scheduler
from creativefilter.embedded.broker import Broker
from creativefilter.embedded.processes import spawn, stop
from tests.serving import ROOT
from tests.stack import processes, wait_until

pytestmark = pytest.mark.stack


def environ_of(folder: Path, **settings: str) -> dict[str, str]:
    url = f"sqlite:///{folder / 'db.sqlite3'}"
    return {**os.environ, "DATA_DIR": str(folder), "DATABASE_URL": url, **settings}


@contextmanager
def service(folder: Path, *words: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environ = environ_of(folder, **settings)
    migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"]
    subprocess.run(migrate, env=environ, check=True)
    with (folder / "service.log").open("ab") as output:
        process = spawn([sys.executable, ROOT / "manage.py", *words], environ, output=output)
    try:
        yield process
    finally:
        stop(process, 20)


def touched_again(file: Path) -> bool:
    before = file.stat().st_mtime
    time.sleep(0.5)
    return file.stat().st_mtime > before


def test_worker_follows_the_settings_and_touches_its_alive_file(
    tmp_path: Path, broker_server: Broker
) -> None:
    alive = tmp_path / "alive"
    words = ("worker", "--queues", "cpu-interactive", "--alive-file", str(alive))
    settings = {"REDIS_URL": broker_server.url, "WORKER_PROCESSES": "3"}
    with service(tmp_path, *words, **settings) as worker:
        wait_until(alive.exists, 60, "a heartbeat")
        wait_until(lambda: touched_again(alive), 10, "a second heartbeat")
        assert len([p for p in processes() if p.parent == worker.pid]) == 3
        worker.terminate()
        assert worker.wait(20) == 0
    assert "INFO" in (tmp_path / "service.log").read_text()


def test_beat_sends_the_sweep_and_touches_its_alive_file(
    tmp_path: Path, broker_server: Broker
) -> None:
    alive = tmp_path / "alive"
    words = ("beat", "--schedule", str(tmp_path / "schedule"), "--alive-file", str(alive))
    settings = {"REDIS_URL": broker_server.url, "SWEEP_SECONDS": "1"}
    with service(tmp_path, *words, **settings) as beat:
        wait_until(alive.exists, 60, "a check of the schedule")
        wait_until(lambda: touched_again(alive), 10, "a second check")
        log = tmp_path / "service.log"
        wait_until(lambda: "jobs.sweep" in log.read_text(), 10, "a sweep is sent")
        beat.terminate()
        assert beat.wait(20) == 0


def test_beat_waits_at_most_one_interval_after_the_clock_was_set_back(tmp_path: Path) -> None:
    # A tick that sends nothing returns the seconds until the next task is due.
    scheduler = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    scheduler.tick()
    for entry in scheduler.schedule.values():
        entry.last_run_at += timedelta(hours=1)
    scheduler._heap = None
    assert 0 < scheduler.tick() <= settings.SWEEP_SECONDS
    scheduler.close()


def test_unknown_queue_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "worker", "--queues", "cpu-urgent"],
        env=environ_of(tmp_path, LANG="en"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "cpu-urgent" in done.stderr
    assert "cpu-interactive" in done.stderr
    assert "Traceback" not in done.stderr
