"""Limit of open jobs per user."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from creativefilter.jobs import lifecycle, quota, stage_runner
from creativefilter.jobs.kinds import Kind, Stage, register
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

MOST = 10


@pytest.fixture(autouse=True)
def low_limit(settings: Any) -> None:
    settings.OPEN_JOBS_PER_USER = MOST


def create_or_refused(owner: User) -> bool:
    try:
        lifecycle.create(KINDS["echo"], {}, owner)
    except quota.QuotaExceeded:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_never_exceed_the_quota() -> None:
    owner = User.objects.create_user("eager")
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda _: create_or_refused(owner), range(40)))
    assert sum(created) == Job.objects.filter(owner=owner).count() == MOST


@pytest.mark.django_db
def test_ended_jobs_free_the_quota_and_each_user_has_their_own() -> None:
    owner, other = User.objects.create_user("one"), User.objects.create_user("two")
    first, *_ = [lifecycle.create(KINDS["echo"], {}, owner) for _ in range(MOST)]
    lifecycle.create(KINDS["echo"], {}, other)
    with pytest.raises(quota.QuotaExceeded):
        lifecycle.create(KINDS["echo"], {}, owner)
    lifecycle.cancel(first)
    lifecycle.create(KINDS["echo"], {}, owner)
    with pytest.raises(quota.QuotaExceeded):
        lifecycle.retry(first)
    first.refresh_from_db()
    assert first.state == Job.State.CANCELLED


@pytest.mark.django_db
def test_bulk_creation_creates_all_jobs_or_none() -> None:
    owner = User.objects.create_user("bulk")
    with pytest.raises(quota.QuotaExceeded):
        lifecycle.create_at_last_stage(KINDS["echo"], [{}] * (MOST + 1), owner)
    assert not Job.objects.exists()
    lifecycle.create_at_last_stage(KINDS["echo"], [{}] * MOST, owner)
    assert Job.objects.count() == MOST


@pytest.mark.django_db
def test_jobs_created_by_a_job_do_not_count() -> None:
    owner = User.objects.create_user("archive")

    def unpack(job: Job) -> Any:
        for _ in range(2 * MOST):
            lifecycle.create(KINDS["echo"], {}, job.owner)
        return lambda: None

    kind = register(Kind("unpacks", (Stage("one", "cpu", unpack),), lambda job: None))
    stage_runner.run_stage(str(lifecycle.create(kind, {}, owner).pk), "one", "w")
    assert Job.objects.filter(owner=owner, state=Job.State.QUEUED).count() == 2 * MOST
    assert counts_in_quota(owner)


def counts_in_quota(owner: User) -> bool:
    return lifecycle.create(KINDS["echo"], {}, owner).in_quota
