"""Which errors of a stage lead to another attempt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone, translation

from creativefilter.jobs import kinds, lifecycle, stage_runner
from creativefilter.jobs.kinds import Kind, Save, Stage
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence

pytestmark = pytest.mark.django_db


@pytest.fixture
def errors_to_raise() -> Iterator[list[Exception]]:
    """Errors that the stages of the kind "fragile" raise, one per attempt; then they succeed."""
    left: list[Exception] = []
    failed: list[Exception] = []

    def work(job: Job) -> Save:
        if left:
            raise left.pop(0)
        return lambda: {"done": True}

    kinds.register(
        Kind("fragile", (Stage("one", "cpu", work), Stage("two", "gpu", work)), failed.append)  # type: ignore[arg-type]
    )
    yield left
    del kinds._KINDS["fragile"]


@pytest.mark.django_db(transaction=True)
def test_losing_the_database_server_within_a_stage_is_no_attempt() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    losses_left = 4

    def work(job: Job) -> Save:
        nonlocal losses_left
        losses_left -= 1
        if losses_left >= 0:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return lambda: {"done": True}

    kind = kinds.register(Kind("unlucky", (Stage("one", "cpu", work),), print))
    try:
        job: Job | None = lifecycle.create(kind, {})
        for _time in range(4):
            assert job is not None
            job = run_current_stage(job)
            assert job is not None
            assert (job.state, job.attempts, job.published_at) == (Job.State.QUEUED, 0, None)
        assert run_current_stage(job) is None
        job.refresh_from_db()
        assert (job.state, job.timings[-1]["attempts"]) == (Job.State.DONE, 1)
    finally:
        del kinds._KINDS["unlucky"]


@pytest.mark.django_db(transaction=True)
def test_a_job_that_still_breaks_connections_after_an_hour_fails() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")

    def work(job: Job) -> Save:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return lambda: {"done": True}

    kind = kinds.register(Kind("harmful", (Stage("one", "cpu", work),), print))
    try:
        job = lifecycle.create(kind, {})
        began = timezone.now() - stage_runner.NO_BLAME_PERIOD
        Job.objects.filter(pk=job.pk).update(started_at=began)
        for _attempt in range(settings.JOB_MAX_ATTEMPTS):
            run_current_stage(job)
        job.refresh_from_db()
        assert (job.state, job.error_code) == (Job.State.FAILED, "database_busy")
    finally:
        del kinds._KINDS["harmful"]


def run_current_stage(job: Job) -> Job | None:
    return stage_runner.run_stage(str(job.pk), job.stage, "w")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("database is locked"), "database_busy"),
        (SoftTimeLimitExceeded(), "timed_out"),
    ],
)
def test_a_transient_error_is_tried_three_times(
    errors_to_raise: list[Any], error: Any, code: str
) -> None:
    errors_to_raise += [error] * 5
    job: Job | None = lifecycle.create(kinds.get("fragile"), {})
    for attempt in (1, 2):
        assert job is not None
        job = run_current_stage(job)
        assert job is not None
        assert (job.state, job.attempts, job.published_at) == (Job.State.QUEUED, attempt, None)
    assert run_current_stage(job) is None
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, code, 3)
    assert len(errors_to_raise) == 2


def test_a_job_succeeds_after_two_transient_errors(errors_to_raise: list[Any]) -> None:
    errors_to_raise += [OperationalError("busy"), OperationalError("busy")]
    job: Job | None = lifecycle.create(kinds.get("fragile"), {})
    pk = job.pk if job else None
    while job:
        job = run_current_stage(job)
    done = Job.objects.get(pk=pk)
    assert (done.state, done.result) == (Job.State.DONE, {"done": True})


def test_every_stage_has_its_own_three_attempts(errors_to_raise: list[Any]) -> None:
    errors_to_raise += [OperationalError("busy"), OperationalError("busy")]
    job: Job | None = lifecycle.create(kinds.get("fragile"), {})
    while job and job.stage == "one":
        job = run_current_stage(job)
    assert job is not None
    assert (job.stage, job.attempts, job.progress) == ("two", 0, 50)


@pytest.mark.parametrize("unknown", [{"kind": "gone"}, {"stage": "gone"}])
def test_a_worker_that_lacks_the_stage_leaves_the_job_to_others(
    errors_to_raise: list[Any], unknown: dict[str, str]
) -> None:
    job = lifecycle.create(kinds.get("fragile"), {})
    Job.objects.update(**unknown)
    job.refresh_from_db()
    assert run_current_stage(job) is None
    job.refresh_from_db()
    assert (job.state, job.attempts, job.published_at) == (Job.State.QUEUED, 0, None)


def test_an_unexpected_error_is_not_retried_and_its_traceback_is_stored(
    errors_to_raise: list[Any],
) -> None:
    errors_to_raise += [KeyError("nobody expected this")]
    job = lifecycle.create(kinds.get("fragile"), {})
    assert run_current_stage(job) is None
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "internal", 1)
    assert "nobody expected this" in job.error_detail
    assert job.finished_at is not None


@pytest.mark.parametrize("code", ["worker_lost", "timed_out", "database_busy", "internal"])
def test_each_error_code_has_a_sentence_in_both_languages(code: str) -> None:
    with translation.override("en"):
        english = sentence(code)
    with translation.override("ru"):
        russian = sentence(code)
    assert len(english) > 20
    assert any("а" <= letter <= "я" for letter in russian.lower())
