"""Files in the storage and rows are created and removed together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import translation

from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.intake import receiving
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError
from tests.creatives.analysing import DEMO, analysed, run, stored_files, take_in

pytestmark = pytest.mark.django_db


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(folders: Path, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 2 * 1024**2
    take_in(b"x" * settings.UPLOAD_MAX_BYTES, "1.avi")
    with translation.override("en"), pytest.raises(CodedError, match="larger than 2 MB"):
        take_in(b"x" * (settings.UPLOAD_MAX_BYTES + 1), "2.avi")
    assert Creative.objects.get().advertisement_id == "1"
    assert len(stored_files(folders)) == 1


def test_a_rollback_leaves_no_file(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **options: Any) -> Job:
        raise ConnectionError("the database went away")

    monkeypatch.setattr(receiving.lifecycle, "create", away)
    with pytest.raises(ConnectionError):
        take_in(b"bytes", "9.avi")
    assert not stored_files(folders)
    assert not Creative.objects.exists()
    assert not MediaVersion.objects.exists()


def test_deletion_removes_upload_and_working_copies_after_the_commit(
    folders: Path, django_capture_on_commit_callbacks: Any
) -> None:
    creative = analysed(DEMO / "90000037.wav")
    media = creative.current_media
    assert media is not None
    working = working_copies.folder(media.pk)
    assert (working / working_copies.AUDIO).is_file()
    with django_capture_on_commit_callbacks() as committed:
        creative.delete()
        assert stored_files(folders)
        assert working.is_dir()
    for callback in committed:
        callback()
    assert not stored_files(folders)
    assert not working.exists()


def test_a_deletion_that_is_rolled_back_loses_no_file(
    folders: Path, django_capture_on_commit_callbacks: Any
) -> None:
    creative = take_in(b"bytes", "9.avi").creative

    def delete_then_fail() -> None:
        with transaction.atomic():
            creative.delete()
            raise ConnectionError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ConnectionError):
        delete_then_fail()
    assert len(stored_files(folders)) == 1
    assert Creative.objects.count() == 1


def test_a_creative_deleted_while_its_job_waits_cancels_the_job(folders: Path) -> None:
    received = take_in(b"bytes", "9.avi")
    received.creative.delete()
    job = run(received.job)
    assert job.state == Job.State.CANCELLED
