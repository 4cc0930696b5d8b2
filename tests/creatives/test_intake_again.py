"""Analysing a creative again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives.analysis import jobs as analysis_jobs
from creativefilter.creatives.models import Creative
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError
from tests.creatives.analysing import DEMO, MUSIC, analysed, run, take_in

pytestmark = pytest.mark.django_db


def test_a_done_creative_is_analysed_again(folders: Path, recogniser: None, analyst: Any) -> None:
    creative = analysed(DEMO / MUSIC)
    first = creative.job
    job = analysis_jobs.analyse_again(creative, analyst)
    creative.refresh_from_db()
    assert job != first
    assert (job.state, job.owner, job.urgency) == ("queued", analyst, Job.Urgency.INTERACTIVE)
    assert (creative.job, creative.state) == (job, Creative.State.QUEUED)
    run(job)
    assert creative.predictions.count() == 2


def test_a_failed_creative_starts_without_its_old_error(folders: Path) -> None:
    creative = analysed(b"no film", "8.avi")
    assert creative.error_code == "not_media"
    analysis_jobs.analyse_again(creative, None)
    creative.refresh_from_db()
    assert (creative.state, creative.error_code) == (Creative.State.QUEUED, "")


def test_a_creative_that_is_being_analysed_is_refused(folders: Path) -> None:
    received = take_in(b"bytes", "8.avi")
    with pytest.raises(CodedError):
        analysis_jobs.analyse_again(received.creative, None)
    assert Job.objects.count() == 1


def test_a_creative_without_media_is_refused(db: None) -> None:
    with pytest.raises(CodedError):
        analysis_jobs.analyse_again(Creative.objects.create(name="?"), None)
