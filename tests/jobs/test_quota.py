"""Nobody has more open jobs than allowed, however many ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from creativefilter.jobs import lifecycle, quota
from creativefilter.jobs.kinds import Kind, Stage, register
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

MOST = 10


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.OPEN_JOBS_PER_USER = MOST


def ask(owner: User) -> bool:
    try:
        lifecycle.create(KINDS["echo"], {}, owner)
    except quota.QuotaExceeded:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_exceed_it() -> None:
    owner = User.objects.create_user("eager")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: ask(owner), range(40)))
    assert sum(taken) == Job.objects.filter(owner=owner).count() == MOST


@pytest.mark.django_db
def test_what_ended_makes_room_and_others_have_their_own() -> None:
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
def test_many_are_created_or_none() -> None:
    owner = User.objects.create_user("bulk")
    with pytest.raises(quota.QuotaExceeded):
        lifecycle.create_at_last_stage(KINDS["echo"], [{}] * (MOST + 1), owner)
    assert not Job.objects.exists()
    lifecycle.create_at_last_stage(KINDS["echo"], [{}] * MOST, owner)
    assert Job.objects.count() == MOST


@pytest.mark.django_db
def test_what_a_job_makes_in_its_turn_was_asked_for_once() -> None:
    owner = User.objects.create_user("archive")

    def unpack(job: Job) -> Any:
        for _ in range(2 * MOST):
            lifecycle.create(KINDS["echo"], {}, job.owner)
        return lambda: None

    kind = register(Kind("unpacks", (Stage("one", "cpu", unpack),), lambda job: None))
    lifecycle.run_stage(str(lifecycle.create(kind, {}, owner).pk), "one", "w")
    assert Job.objects.filter(owner=owner, state=Job.State.QUEUED).count() == 2 * MOST
    assert ask_here(owner)


def ask_here(owner: User) -> bool:
    return lifecycle.create(KINDS["echo"], {}, owner).in_quota
