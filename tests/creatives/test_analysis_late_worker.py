"""A worker that lost its claim to another one saves nothing."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from creativefilter.creatives.analysis import engines, stages, working_copies
from creativefilter.creatives.models import Creative, Prediction, Transcript
from creativefilter.jobs import recovery, stage_runner
from creativefilter.jobs.models import Job
from tests.creatives.analysing import DEMO, MUSIC, Remembering, remembering, run, take_in

pytestmark = [pytest.mark.django_db, pytest.mark.weights]


def test_the_transcript_of_a_late_worker_is_dropped(
    folders: Path, recogniser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = take_in(DEMO / MUSIC)
    job_id = str(received.job.pk)
    stage_runner.run_stage(job_id, "decoding", "first")

    def overtaken() -> Remembering:
        """Let the lease expire and another worker finish the stage meanwhile."""
        monkeypatch.setattr(engines, "transcriber", remembering)
        Job.objects.filter(pk=job_id).update(lease_missed_at=timezone.now() - timedelta(hours=1))
        [queued] = recovery.sweep()
        stage_runner.run_stage(job_id, queued.stage, "second")
        return remembering()

    monkeypatch.setattr(engines, "transcriber", overtaken)
    assert stage_runner.run_stage(job_id, "speech", "first") is None
    assert Transcript.objects.count() == 1
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.stage, job.worker) == ("queued", "screen", "second")
    run(job)
    assert Prediction.objects.count() == 1
    received.creative.refresh_from_db()
    assert received.creative.state == Creative.State.DONE


def test_the_error_of_a_late_worker_fails_nothing(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = take_in(b"not a creative", "1.avi")
    job_id = str(received.job.pk)

    real = stages.MediaVersion.objects.select_related

    def overtaken(*names: str) -> object:
        monkeypatch.undo()
        Job.objects.filter(pk=job_id).update(lease_missed_at=timezone.now() - timedelta(hours=1))
        recovery.sweep()
        assert stage_runner.claim(job_id, "decoding", "second")
        return real(*names)

    monkeypatch.setattr(stages.MediaVersion.objects, "select_related", overtaken)
    assert stage_runner.run_stage(job_id, "decoding", "first") is None
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.worker, job.error_code) == ("running", "second", "")
    received.creative.refresh_from_db()
    assert received.creative.state != Creative.State.FAILED


def test_a_folder_that_can_not_be_removed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example one that belongs to root: removing it fails again and again."""
    final = tmp_path / "1"
    (final / "full").mkdir(parents=True)
    (tmp_path / "aside").mkdir()
    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
    with pytest.raises(OSError, match="not empty"):
        working_copies._replace(tmp_path / "aside", final)
