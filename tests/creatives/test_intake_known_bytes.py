"""Known bytes: stored once, and answered by the stored prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives.models import Creative, MediaVersion, Prediction, Transcript
from creativefilter.jobs.models import Job
from tests.creatives.analysing import DEMO, SPOKEN, analysed, run, stored_files, take_in

pytestmark = pytest.mark.django_db


def test_known_bytes_get_a_finished_job_with_the_known_result(
    folders: Path, recogniser: None, analyst: Any
) -> None:
    creative = analysed(DEMO / SPOKEN)
    again = take_in(DEMO / SPOKEN, owner=analyst)
    assert again.known
    assert again.creative == creative
    assert again.job.pk != creative.job_id
    assert (again.job.state, again.job.progress) == (Job.State.DONE, 100)
    assert again.job.owner == analyst
    assert creative.job is not None
    assert again.job.result == creative.job.result
    assert again.job.finished_at is not None
    assert Transcript.objects.count() == Prediction.objects.count() == 1


def test_known_bytes_are_stored_once_under_any_name(folders: Path) -> None:
    first = take_in(b"same", "осень.avi")
    second = take_in(b"same", "осень (копия).mp4")
    assert (first.known, second.known) == (False, True)
    assert second.creative == first.creative
    assert second.media == first.media
    assert MediaVersion.objects.count() == len(stored_files(folders)) == 1


def test_known_bytes_without_a_prediction_are_analysed(folders: Path) -> None:
    first = take_in(b"not a creative", "7.avi")
    run(first.job)
    second = take_in(b"not a creative", "7.avi")
    assert second.known
    assert second.job.state == Job.State.QUEUED
    second.creative.refresh_from_db()
    assert (second.creative.state, second.creative.error_code) == (Creative.State.QUEUED, "")
    assert second.creative.job == second.job


def test_the_same_bytes_under_two_ids_are_two_creatives(folders: Path) -> None:
    first, second = take_in(b"same", "1001.avi"), take_in(b"same", "1002.avi")
    assert first.creative != second.creative
    assert not second.known


def test_demonstration_rows_are_flagged_and_uploads_are_not(folders: Path) -> None:
    demo = take_in(b"same", "весна.avi", is_demo=True).creative
    own = take_in(b"same", "весна.avi").creative
    assert (demo.is_demo, own.is_demo) == (True, False)
    assert list(Creative.objects.real()) == [own]
