"""A claim that was given to somebody else is worth nothing any more, under whatever name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from creativefilter.jobs import kinds, lifecycle
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage
from creativefilter.jobs.models import Job

pytestmark = pytest.mark.django_db
WORKERS = ["another", "late"]  # a worker that was restarted has the name of the dead one


@pytest.fixture
def work() -> Iterator[dict[str, Callable[[Job], Save]]]:
    """The kind "overtaken": its only stage does what the test puts under "do"."""
    does: dict[str, Any] = {}
    kinds.register(
        Kind("overtaken", (Stage("one", "cpu", lambda job: does["do"](job)),), does.setdefault)
    )
    yield does
    del kinds._KINDS["overtaken"]


def start() -> str:
    return str(lifecycle.create(kinds.get("overtaken"), {}).pk)


def take_over(job_id: str, worker: str) -> None:
    held = Job.objects.get(pk=job_id)
    assert lifecycle.release(held, "worker_lost")
    assert lifecycle.claim(job_id, "one", worker)


@pytest.mark.parametrize("other", WORKERS)
def test_its_outcome_is_dropped(work: dict[str, Any], other: str) -> None:
    job_id = start()
    saved: list[str] = []

    def overtaken(job: Job) -> Save:
        take_over(job_id, other)
        return lambda: saved.append("late")  # type: ignore[func-returns-value]

    work["do"] = overtaken
    assert lifecycle.run_stage(job_id, "one", "late") is None
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.worker, job.attempts) == (Job.State.RUNNING, other, 2)
    assert not saved


@pytest.mark.parametrize("other", WORKERS)
@pytest.mark.parametrize("error", [JobError("not_media"), ZeroDivisionError()])
def test_its_error_fails_nothing(work: dict[str, Any], other: str, error: Exception) -> None:
    job_id = start()

    def overtaken(job: Job) -> Save:
        take_over(job_id, other)
        raise error

    work["do"] = overtaken
    assert lifecycle.run_stage(job_id, "one", "late") is None
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.error_code) == (Job.State.RUNNING, "")


def test_what_cannot_be_saved_moves_the_job_nowhere(work: dict[str, Any]) -> None:
    """The outcome and the step forward are one transaction."""
    job_id = start()

    def save() -> None:
        Job.objects.filter(pk=job_id).update(params={"half": "written"})
        raise ZeroDivisionError

    work["do"] = lambda job: save
    lifecycle.run_stage(job_id, "one", "w")
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.error_code, job.params) == (Job.State.FAILED, "internal", {})
