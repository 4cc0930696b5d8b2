"""The queue keeps its promises while the broker dies, comes back, or does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from creativefilter.celery import app
from creativefilter.embedded import broker as embedded_broker
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from tasks.publishing import publish_all
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = 40


def forget_connections() -> None:
    """The next publish goes to the address that is configured now."""
    app._pool = None
    app.amqp._producer_pool = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[embedded_broker.Broker]:
    """Instead of the suite's broker: one that may be killed, with its data in a folder."""
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
    """The condition, while the sweep does its work in between, as in the supervisor."""

    def swept() -> bool:
        publish_all(lifecycle.sweep())
        return condition()

    return swept


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
                lifecycle.distrust_messages()
            return sweeping(condition)()

        return watched

    jobs: list[Job] = []
    for third in range(3):
        jobs += [echo(number) for number in range(len(jobs), JOBS * (third + 1) // 3)]
        eventually(supervised(lambda: ended() > JOBS * third // 3), 90)  # noqa: B023
        kill(broker)
        broker.start()
        lifecycle.distrust_messages()
    eventually(supervised(lambda: ended() == JOBS), 90)
    assert_each_was_done_once(jobs)


def test_what_is_submitted_without_a_broker_runs_when_it_is_back(
    broker: embedded_broker.Broker, worker: Any, eventually: Any
) -> None:
    worker()
    first = echo(0)
    eventually(lambda: ended() == 1)
    kill(broker)
    began = time.monotonic()
    later = [echo(number) for number in range(1, 6)]
    assert time.monotonic() - began < 5
    assert Job.objects.filter(published_at=None, state=Job.State.QUEUED).count() == 5
    broker.start()
    eventually(sweeping(lambda: ended() == 6), 60)
    assert_each_was_done_once([first, *later])


def test_a_broker_that_pauses_holds_nobody_up(
    broker: embedded_broker.Broker, worker: Any, eventually: Any
) -> None:
    worker()
    first = echo(0)
    eventually(lambda: ended() == 1)
    redis.Redis.from_url(broker.url).execute_command("CLIENT", "PAUSE", "8000", "ALL")
    began = time.monotonic()
    paused = echo(1)
    assert time.monotonic() - began < 5
    assert not Job.objects.get(pk=paused.pk).is_final
    eventually(sweeping(lambda: ended() == 2), 60)
    assert_each_was_done_once([first, paused])
