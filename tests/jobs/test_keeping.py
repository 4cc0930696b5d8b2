"""Jobs that ended long ago are forgotten; nothing that still runs or is new is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from creativefilter.creatives.models import Creative
from creativefilter.jobs import lifecycle, retention
from creativefilter.jobs.kinds import Kind, Stage, register
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db


def aged(days: int, state: str, kind: Kind = KINDS["echo"]) -> Job:
    job = lifecycle.create(kind, {})
    ended = timezone.now() - timedelta(days=days)
    Job.objects.filter(pk=job.pk).update(state=state, created_at=ended, finished_at=ended)
    return job


def test_only_what_ended_before_the_limit_goes(settings: Any) -> None:
    settings.JOBS_KEPT_DAYS = 30
    old = [aged(31, state) for state in Job.FINAL]
    kept = [aged(29, Job.State.DONE), aged(31, Job.State.RUNNING), aged(31, Job.State.QUEUED)]
    creative = Creative.objects.create(name="x", job=old[0])
    assert retention.forget_old() == 3
    assert set(Job.objects.values_list("pk", flat=True)) == {job.pk for job in kept}
    creative.refresh_from_db()
    assert creative.job is None
    assert retention.forget_old() == 0


def test_its_files_go_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[Any] = []
    stage = Stage("one", "cpu", lambda job: lambda: None)
    kind = register(
        Kind("files", (stage,), lambda job: None, forget=lambda job: gone.append(job.pk))
    )
    job = aged(365, Job.State.DONE, kind)
    aged(1, Job.State.DONE, kind)
    retention.forget_old()
    assert gone == [job.pk]


def test_a_sweep_takes_only_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(3):
        aged(365, Job.State.FAILED)
    assert [retention.forget_old(), retention.forget_old(), retention.forget_old()] == [2, 1, 0]
