"""``recovery.sweep``: expired claims and lost messages."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from creativefilter.jobs import leases, lifecycle, recovery, stage_runner
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


def age_the_missed_lease(job: Job) -> None:
    """Make the job look as if a sweep had found its lease expired an hour ago."""
    missed = Job.objects.filter(pk=job.pk, lease_missed_at__isnull=False)
    assert missed.update(lease_missed_at=timezone.now() - PAST)


def test_an_expired_claim_is_released_by_a_later_sweep() -> None:
    job = running(attempts=1, lease_until=timezone.now() - PAST)
    assert [recovery.sweep(), recovery.sweep()] == [[], []]
    age_the_missed_lease(job)
    assert recovery.sweep() == [job]
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.attempts) == (Job.State.QUEUED, None, 1)
    claimed = stage_runner.claim(str(job.pk), job.stage, "next")
    assert claimed is not None
    assert claimed.lease_missed_at is None


def test_a_lease_that_expires_in_the_third_attempt_fails_the_job() -> None:
    job = running(attempts=3, lease_until=timezone.now() - PAST)
    recovery.sweep()
    age_the_missed_lease(job)
    assert recovery.sweep() == []
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "worker_lost")


def test_a_lost_job_of_an_unknown_kind_fails() -> None:
    job = running(attempts=3, lease_until=timezone.now() - PAST, kind="gone")
    recovery.sweep()
    age_the_missed_lease(job)
    assert recovery.sweep() == []
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "worker_lost")


def test_a_lease_far_in_the_future_counts_as_expired() -> None:
    job = running(attempts=1, lease_until=timezone.now() + timedelta(days=1))
    recovery.sweep()
    age_the_missed_lease(job)
    assert recovery.sweep() == [job]


def test_a_valid_lease_is_not_released() -> None:
    job = running(attempts=1, lease_until=timezone.now() + django_settings.JOB_LEASE)
    for _sweep in range(3):
        assert recovery.sweep() == []
    job.refresh_from_db()
    assert (job.state, job.lease_missed_at) == (Job.State.RUNNING, None)


@pytest.mark.django_db(transaction=True)
def test_renewing_a_lease_clears_lease_missed_at(settings: Any, eventually: Any) -> None:
    """A living worker keeps its claim after the database was unreachable for a while."""
    settings.JOB_LEASE = timedelta(seconds=0.4)
    job = running(attempts=1, stage="one", lease_until=timezone.now() - PAST)
    recovery.sweep()
    with leases.renewed(Job.objects.filter(pk=job.pk, state=Job.State.RUNNING)):
        eventually(lambda: Job.objects.get(pk=job.pk).lease_missed_at is None, 5)
        first = Job.objects.get(pk=job.pk).lease_until
        eventually(lambda: Job.objects.get(pk=job.pk).lease_until > first, 5)
        Job.objects.filter(pk=job.pk).update(state=Job.State.CANCELLED, lease_until=None)
        time.sleep(0.5)
    assert Job.objects.get(pk=job.pk).lease_until is None


def test_unsent_and_lost_messages_are_sent_again() -> None:
    now = timezone.now()
    unsent = queued()
    sent = queued(published_at=now)
    lost = queued(published_at=now - django_settings.JOB_REPUBLISH_AFTER - timedelta(seconds=1))
    assert set(recovery.sweep()) == {unsent, lost}
    assert sent not in recovery.sweep()


@pytest.mark.parametrize("state", Job.FINAL)
def test_ended_jobs_are_not_swept(state: str) -> None:
    queued(state=state)
    assert recovery.sweep() == []


def test_messages_sent_before_the_clock_was_set_back_are_sent_again() -> None:
    job = queued(published_at=timezone.now() + timedelta(hours=1))
    assert recovery.sweep() == [job]
    recovery.mark_published(job)
    assert recovery.sweep() == []


def test_one_sweep_returns_a_limited_number_oldest_first() -> None:
    jobs = [queued() for _ in range(recovery.REPUBLISH_AT_ONCE + 5)]
    assert recovery.sweep() == jobs[: recovery.REPUBLISH_AT_ONCE]


def test_a_worker_that_starts_or_exits_releases_only_claims_under_its_name() -> None:
    claim = {"state": Job.State.RUNNING, "attempts": 1}
    mine, other = queued(worker="me", **claim), queued(worker="you", **claim)
    [released] = recovery.release_claims_of("me")
    assert (released, released.error_detail) == (mine, "the worker ended")
    other.refresh_from_db()
    assert other.state == Job.State.RUNNING


def test_the_claim_of_a_killed_process_is_released_once() -> None:
    job = running(attempts=1)
    lost = (str(job.pk), job.stage, "dead", "worker_lost", "killed")
    assert recovery.release_lost_claim(*lost)
    job.refresh_from_db()
    assert (job.state, job.lease_until) == (Job.State.QUEUED, None)
    assert not recovery.release_lost_claim(*lost)


def test_messages_of_all_queued_jobs_are_sent_again_if_the_broker_lost_them() -> None:
    sent, ended = queued(published_at=timezone.now()), queued(state=Job.State.DONE)
    Job.objects.filter(pk=ended.pk).update(published_at=timezone.now())
    assert recovery.sweep() == []
    recovery.mark_all_unpublished()
    assert recovery.sweep() == [sent]
