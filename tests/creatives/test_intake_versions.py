"""The same Advertisement ID with other bytes is a new version; the old one stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from creativefilter.creatives.models import Creative
from creativefilter.jobs.models import Job
from tests.creatives.analysing import (
    DEMO,
    MUSIC,
    SPOKEN,
    analysed,
    effective,
    run,
    stored_files,
    take_in,
)

pytestmark = pytest.mark.django_db


def test_other_bytes_under_the_same_id_are_a_new_version(folders: Path) -> None:
    first = take_in(b"spring", "55.avi")
    second = take_in(b"summer", "55 (1).mp4")
    assert second.creative == first.creative
    assert not second.known
    creative = Creative.objects.get()
    assert creative.current_media == second.media
    assert creative.name == "55 (1).mp4"
    assert creative.job == second.job
    assert [media.original_name for media in creative.media.all()] == ["55 (1).mp4", "55.avi"]
    assert Path(first.media.file.path).read_bytes() == b"spring"
    assert len(stored_files(folders)) == 2


def test_the_prediction_of_an_older_version_does_not_count(folders: Path, recogniser: None) -> None:
    creative = analysed(DEMO / SPOKEN, advertisement_id="77")
    assert effective(creative).effective_segment is not None
    newer = take_in(DEMO / MUSIC, advertisement_id="77")
    assert effective(creative).effective_segment is None
    run(newer.job)
    assert effective(creative).reason == "no_speech"


def test_an_older_version_uploaded_again_becomes_current(folders: Path, recogniser: None) -> None:
    creative = analysed(DEMO / SPOKEN, advertisement_id="77")
    old = creative.current_media
    analysed(DEMO / MUSIC, advertisement_id="77")
    back = take_in(DEMO / SPOKEN, advertisement_id="77")
    assert back.known
    assert back.media == old
    assert back.job.state == Job.State.QUEUED
    run(back.job)
    assert effective(creative).effective_segment == 12
    assert len(stored_files(folders)) == 2


def test_the_job_of_a_superseded_version_does_not_touch_the_creative(
    folders: Path, recogniser: None
) -> None:
    old = take_in(DEMO / MUSIC, advertisement_id="77")
    new = take_in(DEMO / SPOKEN, advertisement_id="77")
    run(old.job)
    new.creative.refresh_from_db()
    assert old.job.state == Job.State.DONE
    assert new.creative.state == Creative.State.QUEUED
    assert new.creative.job == new.job
