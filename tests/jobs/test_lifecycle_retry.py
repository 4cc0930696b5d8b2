"""``lifecycle.retry``."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.jobs.quota import QuotaExceeded
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", [Job.State.FAILED, Job.State.CANCELLED])
def test_failed_and_cancelled_jobs_restart_at_their_first_stage(state: str) -> None:
    job = lifecycle.create(KINDS["echo"], {"say": "again"})
    stage_runner.run_stage(str(job.pk), "one", "w")
    Job.objects.update(state=state, error_code="internal", error_detail="?", attempts=3)
    restarted = lifecycle.retry(Job.objects.get())
    assert restarted is not None
    assert (restarted.state, restarted.stage, restarted.progress) == ("queued", "one", 0)
    assert (restarted.attempts, restarted.error_code, restarted.error_detail) == (0, "", "")
    assert (restarted.started_at, restarted.finished_at, restarted.published_at) == (None,) * 3
    assert restarted.params == {"say": "again"}


@pytest.mark.parametrize("state", [Job.State.QUEUED, Job.State.RUNNING, Job.State.DONE])
def test_open_and_done_jobs_are_not_retried(state: str) -> None:
    job = lifecycle.create(KINDS["echo"], {})
    Job.objects.update(state=state)
    assert lifecycle.retry(job) is None
    job.refresh_from_db()
    assert job.state == state


def test_a_job_of_an_unknown_kind_is_not_retried() -> None:
    job = lifecycle.create(KINDS["echo"], {})
    Job.objects.update(kind="gone", state=Job.State.FAILED)
    assert lifecycle.retry(Job.objects.get(pk=job.pk)) is None
    assert Job.objects.get().state == Job.State.FAILED


@pytest.mark.parametrize("in_quota", [True, False])
def test_a_retry_counts_towards_the_quota_if_the_job_does(in_quota: bool, settings: Any) -> None:
    settings.OPEN_JOBS_PER_USER = 1
    owner = User.objects.create_user("eager")
    failed = lifecycle.create(KINDS["echo"], {}, owner)
    Job.objects.update(state=Job.State.FAILED, in_quota=in_quota)
    lifecycle.create(KINDS["echo"], {}, owner)
    if in_quota:
        with pytest.raises(QuotaExceeded):
            lifecycle.retry(failed)
    else:
        assert lifecycle.retry(failed) == failed
