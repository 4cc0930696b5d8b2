"""A stage writes its outcome only while its claim holds, and as one transaction.

A worker whose claim was taken over writes nothing, even if the new worker has its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from creativefilter.jobs import kinds, lifecycle, stage_runner
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage
from creativefilter.jobs.models import Job

pytestmark = pytest.mark.django_db
WORKERS = ["another", "late"]  # a restarted worker has the name of the dead one


@pytest.fixture
def work() -> Iterator[dict[str, Callable[[Job], Save]]]:
    """Dictionary whose entry "do" is the work of the only stage of the kind "overtaken"."""
    stage_work: dict[str, Any] = {}
    kinds.register(
        Kind(
            "overtaken",
            (Stage("one", "cpu", lambda job: stage_work["do"](job)),),
            stage_work.setdefault,
        )
    )
    yield stage_work
    del kinds._KINDS["overtaken"]


def start() -> str:
    return str(lifecycle.create(kinds.get("overtaken"), {}).pk)


def take_over(job_id: str, worker: str) -> None:
    held = Job.objects.get(pk=job_id)
    assert lifecycle.release(held, "worker_lost")
    assert stage_runner.claim(job_id, "one", worker)


@pytest.mark.parametrize("other", WORKERS)
def test_the_outcome_of_a_worker_that_lost_its_claim_is_discarded(
    work: dict[str, Any], other: str
) -> None:
    job_id = start()
    saved: list[str] = []

    def overtaken(job: Job) -> Save:
        take_over(job_id, other)
        return lambda: saved.append("late")  # type: ignore[func-returns-value]

    work["do"] = overtaken
    assert stage_runner.run_stage(job_id, "one", "late") is None
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.worker, job.attempts) == (Job.State.RUNNING, other, 2)
    assert not saved


@pytest.mark.parametrize("other", WORKERS)
@pytest.mark.parametrize("error", [JobError("not_media"), ZeroDivisionError()])
def test_the_error_of_a_worker_that_lost_its_claim_fails_nothing(
    work: dict[str, Any], other: str, error: Exception
) -> None:
    job_id = start()

    def overtaken(job: Job) -> Save:
        take_over(job_id, other)
        raise error

    work["do"] = overtaken
    assert stage_runner.run_stage(job_id, "one", "late") is None
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.error_code) == (Job.State.RUNNING, "")


def test_an_error_in_save_rolls_back_its_writes_and_fails_the_job(work: dict[str, Any]) -> None:
    """``save`` and the move to the next stage are one transaction."""
    job_id = start()

    def save() -> None:
        Job.objects.filter(pk=job_id).update(params={"half": "written"})
        raise ZeroDivisionError

    work["do"] = lambda job: save
    stage_runner.run_stage(job_id, "one", "w")
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.error_code, job.params) == (Job.State.FAILED, "internal", {})
