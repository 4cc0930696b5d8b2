"""Messages are sent after the commit, and requests succeed if the broker does not answer."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import Signal

from creativefilter.jobs import kinds, lifecycle, recovery, stage_runner
from creativefilter.jobs.kinds import Kind, NotYet, Save, Stage
from creativefilter.jobs.models import Job
from creativefilter.jobs.signals import job_queued
from creativefilter.webhooks import endpoints, outbox
from creativefilter.webhooks.models import Event
from tasks import publishing
from tasks.definitions import sweep
from tasks.publishing import SENT_AT_ONCE, publish_all
from tests.tasks.queueing import PRIORITIES
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)
Waiting = Callable[[str], int]


def create(urgency: str = Job.Urgency.INTERACTIVE) -> Job:
    return lifecycle.create(KINDS["echo"], {"say": "x"}, urgency=urgency)


def call_and_roll_back(act: Callable[[], Any]) -> None:
    """Call ``act`` in a transaction and roll it back."""

    def act_then_fail() -> None:
        with transaction.atomic():
            act()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act_then_fail()


def test_a_job_is_sent_after_its_transaction_commits(waiting: Waiting) -> None:
    with transaction.atomic():
        job = create()
        assert waiting("cpu-interactive") == 0
    assert waiting("cpu-interactive") == 1
    assert job.published_at is not None
    assert Job.objects.get().published_at == job.published_at


def test_a_rollback_sends_nothing(waiting: Waiting) -> None:
    call_and_roll_back(create)
    assert waiting("cpu-interactive") == 0
    assert not Job.objects.exists()


def test_a_savepoint_that_is_rolled_back_sends_nothing(waiting: Waiting) -> None:
    with transaction.atomic():
        call_and_roll_back(create)
        committed = create()
    assert waiting("cpu-interactive") == 1
    assert list(Job.objects.all()) == [committed]


def test_a_batch_waits_in_its_own_queue(waiting: Waiting) -> None:
    create(Job.Urgency.BATCH)
    assert (waiting("cpu-batch"), waiting("cpu-interactive")) == (1, 0)


def test_every_change_that_queues_a_job_sends_a_message(waiting: Waiting) -> None:
    job = create()
    assert waiting("cpu-interactive") == 1
    assert stage_runner.run_stage(str(job.pk), "one", "w")
    assert waiting("gpu-interactive") == 1, "message for the next stage"
    claimed = stage_runner.claim(str(job.pk), "two", "w")
    assert claimed
    assert lifecycle.release(claimed, "database_busy")
    assert waiting("gpu-interactive") == 2, "message after the claim was released"
    assert stage_runner.claim(str(job.pk), "two", "w")
    assert recovery.release_lost_claim(str(job.pk), "two", "w", "worker_lost", "")
    assert waiting("gpu-interactive") == 3, "message after the worker was lost"
    job.refresh_from_db()
    assert lifecycle.cancel(job)
    assert (waiting("cpu-interactive"), waiting("gpu-interactive")) == (1, 3)
    assert lifecycle.retry(job)
    assert waiting("cpu-interactive") == 2, "message after the retry"
    call_and_roll_back(lambda: lifecycle.cancel(job) and lifecycle.retry(job))
    assert waiting("cpu-interactive") == 2


def test_the_first_of_many_jobs_are_sent_and_the_sweep_sends_the_rest(waiting: Waiting) -> None:
    many = SENT_AT_ONCE + 3
    jobs = lifecycle.create_many(KINDS["echo"], [{"say": n} for n in range(many)], None)
    assert waiting("cpu-batch") == SENT_AT_ONCE
    assert [job.published_at is None for job in jobs] == [False] * SENT_AT_ONCE + [True] * 3
    later = lifecycle.create_at_last_stage(KINDS["echo"], [{"say": "x"}] * many, None)
    assert waiting("gpu-batch") == SENT_AT_ONCE
    assert len(later) == many
    assert sweep() == 6
    assert (waiting("cpu-batch"), waiting("gpu-batch")) == (many, many)


def test_the_sweep_sends_what_an_emptied_broker_lost(waiting: Waiting, broker: Any) -> None:
    for _number in range(3):
        create()
    assert sweep() == 0, "a message was sent twice"
    assert waiting("cpu-interactive") == 3
    with redis.Redis.from_url(broker.url) as client:
        client.flushall()
    assert sweep() == 3
    assert waiting("cpu-interactive") == 3
    assert sweep() == 0


def test_the_sweep_sends_everything_to_a_restarted_broker(waiting: Waiting, broker: Any) -> None:
    create()
    broker.stop()
    broker.start()
    assert sweep() == 1


def test_thousands_of_jobs_send_one_signal(waiting: Waiting) -> None:
    received: list[list[Job]] = []

    def record(sender: Any, jobs: list[Job], signal: Signal) -> None:
        assert sender is Job
        received.append(jobs)

    job_queued.connect(record)
    try:
        jobs = lifecycle.create_many(KINDS["echo"], [{}] * 3000, None)
        assert lifecycle.create_many(KINDS["echo"], [], None) == []
    finally:
        job_queued.disconnect(record)
    assert received == [jobs]


@pytest.fixture
def parent() -> Any:
    """Kind whose first stage creates two jobs, and whose second stage has to wait."""

    def make(job: Job) -> Save:
        def save() -> None:
            for _ in range(2):
                create()

        return save

    def wait(job: Job) -> Save:
        raise NotYet(50)

    yield kinds.register(
        Kind("parent", (Stage("making", "cpu", make), Stage("waiting", "gpu", wait)), print)
    )
    del kinds._KINDS["parent"]


def test_jobs_created_by_a_stage_are_sent_and_waiting_jobs_are_not(
    waiting: Waiting, parent: Kind
) -> None:
    job = lifecycle.create(parent, {})
    assert stage_runner.run_stage(str(job.pk), "making", "w")
    assert (waiting("cpu-interactive"), waiting("gpu-interactive")) == (1 + 2, 1)
    assert stage_runner.run_stage(str(job.pk), "waiting", "w") is None
    job.refresh_from_db()
    assert (job.state, job.published_at) == (Job.State.QUEUED, None)
    assert waiting("gpu-interactive") == 1
    assert sweep() == 1
    assert waiting("gpu-interactive") == 2


@pytest.mark.parametrize("unknown", [{"kind": "gone"}, {"stage": "gone"}])
def test_jobs_of_an_unknown_kind_or_stage_do_not_keep_others_waiting(
    waiting: Waiting, broker_away: Callable[[], None], unknown: dict[str, str]
) -> None:
    first, _second = create(), create()
    Job.objects.filter(pk=first.pk).update(**unknown)
    broker_away()
    sweep()
    assert waiting("cpu-interactive") == 1
    # The unknown job does not count towards the limited number of jobs of the next sweeps.
    assert recovery.sweep() == []


def test_without_a_broker_jobs_stay_unpublished_until_the_sweep(
    waiting: Waiting, broker_away: Callable[[], None]
) -> None:
    jobs = [create(), create()]
    assert publish_all(jobs) == 0
    assert sweep() == 0
    assert {job.published_at for job in Job.objects.all()} == {None}
    broker_away()
    assert sweep() == 2
    assert waiting("cpu-interactive") == 2
    assert None not in {job.published_at for job in Job.objects.all()}
    assert sweep() == 0


def test_a_broker_that_does_not_answer_is_waited_for_once(
    broker: Any, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is stopped by SIGSTOP accepts connections and does not answer."""
    monkeypatch.setattr(publishing, "PAUSE_SECONDS", 3.0)
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        jobs = [create() for _ in range(20)]
        assert time.monotonic() - began < 5
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    assert {job.published_at for job in jobs} == {None}
    # The sweep contacts the broker at once, other code only after the pause.
    assert create().published_at is None
    assert sweep() == 21
    time.sleep(3)
    assert create().published_at is not None


def test_an_error_of_a_receiver_is_logged_and_the_job_is_created(
    waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_signal: Any) -> None:
        raise ZeroDivisionError("on purpose")

    job_queued.connect(fail)
    try:
        with caplog.at_level(logging.ERROR):
            create()
    finally:
        job_queued.disconnect(fail)
    assert "on purpose" in caplog.text
    assert Job.objects.count() == 1


def test_deliveries_are_sent_after_the_commit(waiting: Waiting) -> None:
    owner = User.objects.create_user("owner")
    endpoint, _secret = endpoints.register(owner, "https://hooks.example.com/", Event.values)
    call_and_roll_back(lambda: outbox.send_test(endpoint))
    assert waiting("cpu-webhooks") == 0
    delivery = outbox.send_test(endpoint)
    assert waiting("cpu-webhooks") == 1
    outbox.send_again(delivery)
    assert waiting("cpu-webhooks") == 2
    lifecycle.create_done(KINDS["echo"], {}, {}, owner)
    assert waiting("cpu-webhooks") == 3
    endpoints.change(endpoint, {"active": False})
    lifecycle.create_done(KINDS["echo"], {}, {}, owner)
    assert waiting("cpu-webhooks") == 3
    endpoints.change(endpoint, {"active": True})
    assert waiting("cpu-webhooks") == 4


def test_the_message_of_a_stage_contains_only_job_and_stage(waiting: Waiting, broker: Any) -> None:
    job = create()
    client = redis.Redis.from_url(broker.url)
    message = json.loads(client.lindex("cpu-interactive" + PRIORITIES[2], 0))  # type: ignore[arg-type]
    client.close()
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == "jobs.run_stage"
    assert message["headers"]["argsrepr"] == repr([str(job.pk), "one"])
