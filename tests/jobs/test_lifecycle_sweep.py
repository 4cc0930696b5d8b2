"""What a dead worker or a lost message left behind is found and queued again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db


def queued(**fields: Any) -> Job:
    job = lifecycle.create(KINDS["echo"], {})
    Job.objects.filter(pk=job.pk).update(**fields)
    return job


def test_a_lease_that_ran_out_is_given_to_the_next() -> None:
    past = timezone.now() - timedelta(seconds=1)
    job = queued(state=Job.State.RUNNING, worker="dead", attempts=1, lease_until=past)
    assert lifecycle.sweep() == [job]
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.attempts) == (Job.State.QUEUED, None, 1)


def test_a_lease_that_ran_out_for_the_third_time_ends_the_job() -> None:
    past = timezone.now() - timedelta(seconds=1)
    job = queued(state=Job.State.RUNNING, worker="dead", attempts=3, lease_until=past)
    assert lifecycle.sweep() == []
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "worker_lost")


def test_a_lease_that_holds_is_left_alone() -> None:
    future = timezone.now() + timedelta(minutes=1)
    job = queued(state=Job.State.RUNNING, worker="busy", attempts=1, lease_until=future)
    assert lifecycle.sweep() == []
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING


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


def test_one_sweep_takes_the_oldest_and_not_all_at_once() -> None:
    jobs = [queued() for _ in range(lifecycle.REPUBLISH_AT_ONCE + 5)]
    assert lifecycle.sweep() == jobs[: lifecycle.REPUBLISH_AT_ONCE]


def test_a_worker_that_starts_gives_back_what_its_name_held_and_no_more() -> None:
    claim = {"state": Job.State.RUNNING, "attempts": 1}
    mine, other = queued(worker="me", **claim), queued(worker="you", **claim)
    assert lifecycle.lost_by("me") == [mine]
    other.refresh_from_db()
    assert other.state == Job.State.RUNNING
