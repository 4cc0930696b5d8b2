"""Jobs are done once although the broker dies, comes back or does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from creativefilter.celery import app
from creativefilter.embedded import broker as embedded_broker
from creativefilter.jobs import lifecycle, recovery
from creativefilter.jobs.models import Job
from tasks.publishing import publish_all
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = 40


def forget_connections() -> None:
    """Make the next publish connect to the address that is configured now."""
    app._pool = None
    app.amqp._producer_pool = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[embedded_broker.Broker]:
    """A broker that replaces the suite's, may be killed and stores its data in a folder."""
    before = app.conf.broker_url
    server = embedded_broker.start(tmp_path / "broker")
    forget_connections()
    app.conf.update(broker_url=server.url)
    yield server
    server.stop()
    forget_connections()
    app.conf.update(broker_url=before)


def kill(server: embedded_broker.Broker) -> None:
    assert server.process is not None
    server.process.kill()
    server.process.wait()


def echo(number: int) -> Job:
    return lifecycle.create(KINDS["echo"], {"say": number})


def ended() -> int:
    return Job.objects.filter(state__in=Job.FINAL).count()


def sweeping(condition: Callable[[], bool]) -> Callable[[], bool]:
    """Return a condition that sweeps, as the supervisor does, before it tests ``condition``."""

    def condition_after_sweep() -> bool:
        publish_all(recovery.sweep())
        return condition()

    return condition_after_sweep


def assert_each_was_done_once(jobs: list[Job]) -> None:
    for number, job in enumerate(jobs):
        job.refresh_from_db()
        assert job.state == Job.State.DONE
        assert job.result is not None
        assert job.result["said"] == number


def test_broker_killed_three_times_under_load(
    broker: embedded_broker.Broker, worker: Any, eventually: Any
) -> None:
    process = worker(processes=2)

    def supervised(condition: Callable[[], bool]) -> Callable[[], bool]:
        """A worker that meets a dead broker twice in a row may give up: it is started again."""

        def watched() -> bool:
            nonlocal process
            if process.poll() is not None:
                process = worker(processes=2)
                recovery.mark_all_unpublished()
            return sweeping(condition)()

        return watched

    jobs: list[Job] = []
    for round_number in range(3):
        jobs += [echo(number) for number in range(len(jobs), JOBS * (round_number + 1) // 3)]
        eventually(supervised(lambda: ended() > JOBS * round_number // 3), 90)  # noqa: B023
        kill(broker)
        broker.start()
        recovery.mark_all_unpublished()
    eventually(supervised(lambda: ended() == JOBS), 90)
    assert_each_was_done_once(jobs)


def test_jobs_created_without_a_broker_run_when_it_is_back(
    broker: embedded_broker.Broker, worker: Any, eventually: Any
) -> None:
    worker()
    first = echo(0)
    eventually(lambda: ended() == 1)
    kill(broker)
    start = time.monotonic()
    later = [echo(number) for number in range(1, 6)]
    assert time.monotonic() - start < 5
    assert Job.objects.filter(published_at=None, state=Job.State.QUEUED).count() == 5
    broker.start()
    eventually(sweeping(lambda: ended() == 6), 60)
    assert_each_was_done_once([first, *later])


def test_paused_broker_delays_no_job_creation(
    broker: embedded_broker.Broker, worker: Any, eventually: Any
) -> None:
    worker()
    first = echo(0)
    eventually(lambda: ended() == 1)
    redis.Redis.from_url(broker.url).execute_command("CLIENT", "PAUSE", "8000", "ALL")
    start = time.monotonic()
    paused = echo(1)
    assert time.monotonic() - start < 5
    assert not Job.objects.get(pk=paused.pk).is_final
    eventually(sweeping(lambda: ended() == 2), 60)
    assert_each_was_done_once([first, paused])
