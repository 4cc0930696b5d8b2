"""What a dead worker or a lost message left behind is found and queued again."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from creativefilter.jobs import leases, lifecycle
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db


def queued(**fields: Any) -> Job:
    job = lifecycle.create(KINDS["echo"], {})
    Job.objects.filter(pk=job.pk).update(**fields)
    return job


PAST = timedelta(hours=1)


def running(**fields: Any) -> Job:
    return queued(state=Job.State.RUNNING, worker="dead", **fields)


def let_grace_pass(job: Job) -> None:
    """As if the last sweep had been some time ago."""
    noted = Job.objects.filter(pk=job.pk, lease_missed_at__isnull=False)
    assert noted.update(lease_missed_at=timezone.now() - PAST)


def test_a_lease_that_ran_out_is_given_to_the_next_at_the_second_sweep() -> None:
    job = running(attempts=1, lease_until=timezone.now() - PAST)
    assert [lifecycle.sweep(), lifecycle.sweep()] == [[], []]
    let_grace_pass(job)
    assert lifecycle.sweep() == [job]
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.attempts) == (Job.State.QUEUED, None, 1)
    claimed = lifecycle.claim(str(job.pk), job.stage, "next")
    assert claimed is not None
    assert claimed.lease_missed_at is None


def test_a_lease_that_ran_out_for_the_third_time_ends_the_job() -> None:
    job = running(attempts=3, lease_until=timezone.now() - PAST)
    lifecycle.sweep()
    let_grace_pass(job)
    assert lifecycle.sweep() == []
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "worker_lost")


def test_a_lease_that_a_wrong_clock_gave_runs_out_too() -> None:
    job = running(attempts=1, lease_until=timezone.now() + timedelta(days=1))
    lifecycle.sweep()
    let_grace_pass(job)
    assert lifecycle.sweep() == [job]


def test_a_lease_that_holds_is_left_alone() -> None:
    job = running(attempts=1, lease_until=timezone.now() + django_settings.JOB_LEASE)
    for _sweep in range(3):
        assert lifecycle.sweep() == []
    job.refresh_from_db()
    assert (job.state, job.lease_missed_at) == (Job.State.RUNNING, None)


@pytest.mark.django_db(transaction=True)
def test_whoever_works_renews_the_lease_and_takes_back_what_was_noted(
    settings: Any, eventually: Any
) -> None:
    """Also when it could not for a while: what a database that was away made look dead."""
    settings.JOB_LEASE = timedelta(seconds=0.4)
    job = running(attempts=1, stage="one", lease_until=timezone.now() - PAST)
    lifecycle.sweep()
    with leases.renewed(Job.objects.filter(pk=job.pk, state=Job.State.RUNNING)):
        eventually(lambda: Job.objects.get(pk=job.pk).lease_missed_at is None, 5)
        first = Job.objects.get(pk=job.pk).lease_until
        eventually(lambda: Job.objects.get(pk=job.pk).lease_until > first, 5)
        Job.objects.filter(pk=job.pk).update(state=Job.State.CANCELLED, lease_until=None)
        time.sleep(0.5)
    assert Job.objects.get(pk=job.pk).lease_until is None


def test_messages_that_were_never_sent_or_got_lost_are_sent_again() -> None:
    now = timezone.now()
    unsent = queued()
    sent = queued(published_at=now)
    lost = queued(published_at=now - django_settings.JOB_REPUBLISH_AFTER - timedelta(seconds=1))
    assert set(lifecycle.sweep()) == {unsent, lost}
    assert sent not in lifecycle.sweep()


@pytest.mark.parametrize("state", Job.FINAL)
def test_what_has_ended_stays_ended(state: str) -> None:
    queued(state=state)
    assert lifecycle.sweep() == []


def test_messages_sent_before_the_clock_was_set_back_are_sent_again() -> None:
    job = queued(published_at=timezone.now() + timedelta(hours=1))
    assert lifecycle.sweep() == [job]
    lifecycle.published(job)
    assert lifecycle.sweep() == []


def test_one_sweep_takes_the_oldest_and_not_all_at_once() -> None:
    jobs = [queued() for _ in range(lifecycle.REPUBLISH_AT_ONCE + 5)]
    assert lifecycle.sweep() == jobs[: lifecycle.REPUBLISH_AT_ONCE]


def test_a_worker_that_starts_gives_back_what_its_name_held_and_no_more() -> None:
    claim = {"state": Job.State.RUNNING, "attempts": 1}
    mine, other = queued(worker="me", **claim), queued(worker="you", **claim)
    assert lifecycle.lost_by("me") == [mine]
    other.refresh_from_db()
    assert other.state == Job.State.RUNNING
