"""The only door to the queue: after the commit, once, and never at the caller's expense."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.db import transaction

from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from tasks.definitions import sweep
from tasks.submit import publish, publish_all, submit
from tests.tasks.queueing import PRIORITIES
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)
Waiting = Callable[[str], int]


def create(urgency: str = Job.Urgency.INTERACTIVE) -> Job:
    return lifecycle.create(KINDS["echo"], {}, urgency=urgency)


def test_a_job_is_queued_when_its_transaction_has_committed(waiting: Waiting) -> None:
    with transaction.atomic():
        job = create()
        submit(job)
        assert waiting("cpu-interactive") == 0
    assert waiting("cpu-interactive") == 1
    job.refresh_from_db()
    assert job.published_at is not None


def test_a_rollback_queues_nothing(waiting: Waiting) -> None:
    def submit_then_fail() -> None:
        with transaction.atomic():
            submit(create())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        submit_then_fail()
    assert waiting("cpu-interactive") == 0
    assert not Job.objects.exists()


def test_a_batch_waits_in_its_own_queue(waiting: Waiting) -> None:
    publish(create(Job.Urgency.BATCH))
    assert (waiting("cpu-batch"), waiting("cpu-interactive")) == (1, 0)


def test_without_a_broker_the_row_waits_for_the_sweeper(
    waiting: Waiting, broker_away: Callable[[], None]
) -> None:
    jobs = [create(), create()]
    submit(jobs[0])
    assert publish_all(jobs) == 0
    assert sweep() == 0
    assert {job.published_at for job in Job.objects.all()} == {None}
    broker_away()
    assert sweep() == 2
    assert waiting("cpu-interactive") == 2
    assert None not in {job.published_at for job in Job.objects.all()}
    assert sweep() == 0


def test_the_message_of_a_stage_names_the_job_and_the_stage_alone(
    waiting: Waiting, broker: Any
) -> None:
    job = create()
    publish(job)
    client = redis.Redis.from_url(broker.url)
    message = json.loads(client.lindex("cpu-interactive" + PRIORITIES[1], 0))  # type: ignore[arg-type]
    client.close()
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == "jobs.run_stage"
    assert message["headers"]["argsrepr"] == repr([str(job.pk), "one"])
