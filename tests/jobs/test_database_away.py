"""PostgreSQL is unreachable for seconds under load: no attempt and no result is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from creativefilter.celery import app
from creativefilter.embedded.processes import spawn, stop
from creativefilter.site.lanes import QUEUES
from tests import postgres
from tests.conftest import ROOT
from tests.stack import processes

AWAY_SECONDS = 4
JOBS = 30


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server, not in ``tmp_path``: its account can't enter pytest's folders."""
    server = postgres.start(Path(tempfile.mkdtemp(prefix="creative-filter-away-")))
    env = {**os.environ, "DATABASE_URL": server.url("postgres")}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=env, cwd=ROOT, check=True)
    yield server
    server.stop()


def states(url: str) -> list[tuple[str, int, str]]:
    with psycopg.connect(url) as database:
        return database.execute("SELECT state, attempts, error_detail FROM jobs_job").fetchall()  # type: ignore[return-value]


def insert_queued_jobs(url: str) -> None:
    """Insert rows as the application writes them, and send their messages."""
    with psycopg.connect(url) as database:
        database.execute("DELETE FROM jobs_job")
        for _number in range(JOBS):
            key = uuid.uuid4()
            row = {
                "id": key, "kind": "sleep", "state": "queued", "stage": "one", "urgency": "batch",
                "progress": 0, "params": json.dumps({"seconds": 0.3}), "error_code": "",
                "error_detail": "", "attempts": 0, "timings": "[]", "worker": "",
                "in_quota": False, "created_at": "2026-01-01", "published_at": "2026-01-01",
            }  # fmt: skip
            places = ", ".join(["%s"] * len(row))
            database.execute(
                f"INSERT INTO jobs_job ({', '.join(row)}) VALUES ({places})",  # noqa: S608
                list(row.values()),
            )
            database.commit()
            app.send_task("jobs.run_stage", args=[str(key), "one"], queue="cpu-batch")


@pytest.fixture
def jobs(server: postgres.Server, broker: Any, tmp_path: Path) -> Iterator[str]:
    """URL of a database with queued jobs, on which two pool processes work."""
    url = server.url("postgres")
    worker = spawn(
        [
            sys.executable, "-m", "celery", "--app", "tests.worker_app", "worker",
            "--hostname", "away@suite", "--concurrency", "2",
            "--queues", ",".join(QUEUES), "--without-gossip", "--without-mingle",
        ],
        {**os.environ, "DATABASE_URL": url, "REDIS_URL": broker.url, "PYTHONPATH": str(ROOT)},
        output=(tmp_path / "worker.log").open("ab"),
    )  # fmt: skip
    insert_queued_jobs(url)
    yield url
    stop(worker, 10)


def some_are_done(url: str) -> bool:
    return sum(state == "done" for state, *_ in states(url)) > 3


def each_is_done_with_one_attempt(url: str) -> bool:
    """Return whether each job is done after one claim, also if its outcome had to wait."""
    return {row[:2] for row in states(url)} == {("done", 1)}


# Keep this order: the second test stops the server that the fixture started.
def test_jobs_continue_after_the_database_did_not_answer_for_a_while(
    jobs: str, server: postgres.Server, eventually: Callable[..., None]
) -> None:
    eventually(lambda: some_are_done(jobs), 30)
    frozen = [p.pid for p in processes() if p.parent == server.process.pid]
    for pid in (server.process.pid, *frozen):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(AWAY_SECONDS)
    for pid in (server.process.pid, *frozen):
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: each_is_done_with_one_attempt(jobs), 15)


def test_jobs_continue_after_the_database_crashed_and_restarted(
    jobs: str, server: postgres.Server, eventually: Callable[..., None]
) -> None:
    eventually(lambda: some_are_done(jobs), 30)
    server.crash()
    time.sleep(AWAY_SECONDS)
    restarted = server.start_again()
    try:
        eventually(lambda: each_is_done_with_one_attempt(jobs), 15)
    finally:
        restarted.stop()
