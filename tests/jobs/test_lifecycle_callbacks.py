"""What a change of state calls: the callbacks of the kind, and the signals of jobs."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import OperationalError

from creativefilter.jobs import kinds, lifecycle, stage_runner
from creativefilter.jobs.kinds import Continued, JobError, Kind, Save, Stage
from creativefilter.jobs.models import Job
from creativefilter.jobs.signals import job_ended, job_queued

pytestmark = pytest.mark.django_db


@dataclass
class Recorder:
    """A kind of two stages, and the callbacks and signals of its jobs so far.

    The next stage raises ``error``, if there is one.
    """

    kind: Kind
    error: BaseException | None = None
    called: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    queued: list[list[str]] = field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    def work(_job: Job) -> Save:
        error, found.error = found.error, None
        if error:
            raise error
        return lambda: {"done": True}

    def callback(name: str) -> Any:
        return lambda job: found.called.append(f"{name} {job.state}")

    stages = (Stage("one", "cpu", work), Stage("two", "cpu", work))
    kind = Kind(
        "recorded", stages, callback("failed"), callback("cancelled"), callback("retried")
    )  # fmt: skip
    found = Recorder(kinds.register(kind))

    def on_ended(job: Job, **_: Any) -> None:
        found.ended.append(job.state)

    def on_queued(jobs: list[Job], **_: Any) -> None:
        found.queued.append([job.stage for job in jobs])

    job_ended.connect(on_ended)
    job_queued.connect(on_queued)
    yield found
    job_ended.disconnect(on_ended)
    job_queued.disconnect(on_queued)
    del kinds._KINDS["recorded"]


@pytest.fixture
def job(recorder: Recorder, django_capture_on_commit_callbacks: Any) -> Job:
    """A job of that kind; its creation is not recorded."""
    created = lifecycle.create(recorder.kind, {"number": 1})
    recorder.queued.clear()
    return created


def run(job: Job) -> Job | None:
    job.refresh_from_db()
    return stage_runner.run_stage(str(job.pk), job.stage, "w")


def test_queued_jobs_are_announced_after_the_commit(
    recorder: Recorder, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        lifecycle.create(recorder.kind, {})
        lifecycle.create_many(recorder.kind, [{}, {}], None)
        lifecycle.create_at_last_stage(recorder.kind, [{}], None)
        assert recorder.queued == []
    for callback in callbacks:
        callback()
    assert recorder.queued == [["one"], ["one", "one"], ["two"]]


def test_creating_no_jobs_announces_nothing(
    recorder: Recorder, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        assert lifecycle.create_many(recorder.kind, [], None) == []
    assert callbacks == []


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (None, "two"),
        (OperationalError("locked"), "one"),
        (Continued(30, {"number": 2}), "one"),
        (JobError("not_media"), None),
    ],
)
def test_a_job_is_announced_after_a_stage_only_if_it_continues(
    recorder: Recorder,
    job: Job,
    error: Exception | None,
    stage: str | None,
    django_capture_on_commit_callbacks: Any,
) -> None:
    recorder.error = error
    with django_capture_on_commit_callbacks(execute=True):
        continued = run(job)
    assert recorder.queued == ([[stage]] if stage else [])
    assert (continued is None) == (stage is None)


def test_a_lost_claim_is_announced_when_it_is_returned(
    recorder: Recorder, job: Job, django_capture_on_commit_callbacks: Any
) -> None:
    claimed = stage_runner.claim(str(job.pk), "one", "w")
    assert claimed is not None
    with django_capture_on_commit_callbacks(execute=True):
        assert lifecycle.release(claimed, "worker_lost", "killed")
    assert recorder.queued == [["one"]]
    assert Job.objects.get().error_detail == "killed"
    with django_capture_on_commit_callbacks(execute=True):
        assert not lifecycle.release(claimed, "worker_lost")
    assert len(recorder.queued) == 1


def test_a_retry_is_announced(
    recorder: Recorder, job: Job, django_capture_on_commit_callbacks: Any
) -> None:
    recorder.error = JobError("not_media")
    assert run(job) is None
    with django_capture_on_commit_callbacks(execute=True):
        assert lifecycle.retry(job) is not None
    assert recorder.queued == [["one"]]
    assert recorder.called == ["failed failed", "retried queued"]


def test_a_stage_of_many_parts_continues_with_its_parameters(recorder: Recorder, job: Job) -> None:
    recorder.error = Continued(30, {"number": 2})
    continued = run(job)
    assert continued is not None
    assert (continued.state, continued.stage, continued.progress) == ("queued", "one", 30)
    assert (continued.params, continued.attempts) == ({"number": 2}, 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JobError("not_media"), "not_media"),
        (OSError(errno.ENOSPC, "No space left on device"), "storage_full"),
        (ZeroDivisionError(), "internal"),
    ],
)
def test_a_failure_is_reported_once(
    recorder: Recorder, job: Job, error: Exception, code: str
) -> None:
    recorder.error = error
    assert run(job) is None
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, code, 1)
    assert (recorder.called, recorder.ended) == (["failed failed"], ["failed"])
    assert not lifecycle.fail(job, "internal")
    assert not lifecycle.cancel(job)
    assert (recorder.called, recorder.ended) == (["failed failed"], ["failed"])


def test_a_cancellation_is_reported_once(recorder: Recorder, job: Job) -> None:
    assert lifecycle.cancel(job)
    assert not lifecycle.cancel(job)
    assert len(recorder.called) == 1
    assert recorder.called[0].startswith("cancelled")
    assert recorder.ended == ["cancelled"]


def test_a_job_that_is_done_is_reported_once(recorder: Recorder, job: Job) -> None:
    assert run(job) is not None
    assert recorder.ended == []
    assert run(job) is None
    assert (recorder.called, recorder.ended) == ([], ["done"])


def test_a_job_created_as_done_sends_job_ended(recorder: Recorder) -> None:
    done = lifecycle.create_done(recorder.kind, {}, {"answer": 1}, None)
    assert (done.state, done.stage, done.progress) == (Job.State.DONE, "two", 100)
    assert done.result == {"answer": 1}
    assert done.finished_at is not None
    assert recorder.ended == ["done"]
    assert recorder.queued == []
