"""Deletion of old jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from creativefilter.creatives.models import Creative
from creativefilter.jobs import lifecycle, retention
from creativefilter.jobs.kinds import Kind, Stage, register
from creativefilter.jobs.models import Job
from creativefilter.site.unavailable import Unavailable
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db


def create_ended(days: int, state: str, kind: Kind = KINDS["echo"]) -> Job:
    job = lifecycle.create(kind, {})
    ended = timezone.now() - timedelta(days=days)
    Job.objects.filter(pk=job.pk).update(state=state, created_at=ended, finished_at=ended)
    return job


def test_only_jobs_that_ended_before_the_limit_are_deleted(settings: Any) -> None:
    settings.JOBS_KEPT_DAYS = 30
    old = [create_ended(31, state) for state in Job.FINAL]
    remaining = [
        create_ended(29, Job.State.DONE),
        create_ended(31, Job.State.RUNNING),
        create_ended(31, Job.State.QUEUED),
    ]
    creative = Creative.objects.create(name="x", job=old[0])
    assert retention.delete_old() == 3
    assert set(Job.objects.values_list("pk", flat=True)) == {job.pk for job in remaining}
    creative.refresh_from_db()
    assert creative.job is None
    assert retention.delete_old() == 0


def test_the_kind_removes_the_files_of_a_deleted_job(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[Any] = []
    stage = Stage("one", "cpu", lambda job: lambda: None)
    kind = register(
        Kind("files", (stage,), lambda job: None, remove_files=lambda job: forgotten.append(job.pk))
    )
    job = create_ended(365, Job.State.DONE, kind)
    create_ended(1, Job.State.DONE, kind)
    retention.delete_old()
    assert forgotten == [job.pk]


@pytest.mark.parametrize("error", [Unavailable("storage_away"), OSError("a network folder")])
def test_a_file_that_can_not_be_removed_does_not_keep_the_others(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[Any] = []

    def remove_files(job: Job) -> None:
        asked.append(job.pk)
        raise error

    stage = Stage("one", "cpu", lambda job: lambda: None)
    kind = register(Kind("away", (stage,), lambda job: None, remove_files=remove_files))
    jobs = {create_ended(365, Job.State.DONE, kind).pk for _ in range(2)}
    assert retention.delete_old() == 2
    assert set(asked) == jobs
    assert str(error) in caplog.text


def test_one_call_deletes_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(3):
        create_ended(365, Job.State.FAILED)
    assert [retention.delete_old(), retention.delete_old(), retention.delete_old()] == [2, 1, 0]
