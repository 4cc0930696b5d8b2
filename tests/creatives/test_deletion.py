"""Jobs of deleted creatives are cancelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from creativefilter.creatives.analysis import stages
from creativefilter.creatives.models import Creative
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from tests.creatives.analysing import DEMO, MUSIC, stored_files, take_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_waiting_job_of_a_deleted_creative_is_cancelled(folders: Path) -> None:
    received = take_in(b"x", "1.wav")
    Creative.objects.all().delete()
    job = Job.objects.get(pk=received.job.pk)
    assert job.state == Job.State.CANCELLED
    assert stage_runner.run_stage(str(job.pk), job.stage, "w") is None
    assert stored_files(folders) == []


def test_a_creative_can_be_deleted_while_it_is_worked_on(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = take_in(DEMO / MUSIC)
    real = stages.working_copies.write

    def delete_meanwhile(*arguments: object) -> object:
        received.creative.delete()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(stages.working_copies, "write", delete_meanwhile)
    assert stage_runner.run_stage(str(received.job.pk), "decoding", "w") is None
    job = Job.objects.get(pk=received.job.pk)
    assert (job.state, job.error_code) == (Job.State.CANCELLED, "")
    assert not Creative.objects.exists()
