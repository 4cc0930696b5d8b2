"""The watched folder: files go in when they have stopped growing, and stay where they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from creativefilter.creatives.intake import watched_folder
from creativefilter.creatives.models import Creative, MediaVersion, WatchedFile
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watched(folders: Path, settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "watched"
    folder.mkdir()
    settings.INGEST_FOLDER = str(folder)
    settings.INGEST_QUIET_SECONDS = 0
    return folder


def look_and_take() -> dict[str, Any] | None:
    """Scan and run the job; return its result, or None if no file was ready."""
    job = watched_folder.look()
    if job is None:
        return None
    assert stage_runner.run_stage(str(job.pk), job.stage, "w") is None
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error_detail
    result: dict[str, Any] = job.result or {}
    return result


def test_a_file_is_taken_when_it_has_stopped_growing(watched: Path) -> None:
    file = watched / "81.mp4"
    file.write_bytes(b"begun")
    assert look_and_take() is None
    file.write_bytes(b"begun, and longer")
    assert look_and_take() is None
    assert look_and_take() == {"new": 1, "known": 0, "refused": 0, "refusals": []}
    media = MediaVersion.objects.get(creative__advertisement_id="81")
    assert media.file.read() == b"begun, and longer" == file.read_bytes()
    assert look_and_take() is None
    file.write_bytes(b"another version")
    assert look_and_take() is None
    assert look_and_take() == {"new": 1, "known": 0, "refused": 0, "refusals": []}
    assert Creative.objects.get().media.count() == 2


def test_a_job_takes_as_many_files_as_fit_in_its_turn(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creativefilter.site.lanes.TURN_SECONDS", 0)
    for number in range(3):
        (watched / f"{number}.wav").write_bytes(b"%d" % number)
    assert look_and_take() is None
    taken = [look_and_take() for _ in range(4)]
    assert [each["new"] for each in taken if each] == [1, 1, 1]
    # A person put the files there, so they go before jobs of the lane batch.
    assert {job.urgency for job in Job.objects.filter(kind="watch")} == {Job.Urgency.LONG}


def test_the_quiet_time_is_a_setting(watched: Path, settings: Any) -> None:
    settings.INGEST_QUIET_SECONDS = 3600
    (watched / "82.wav").write_bytes(b"x")
    assert [look_and_take() for _ in range(3)] == [None] * 3
    assert WatchedFile.objects.get().state == WatchedFile.State.GROWING


def test_a_file_seen_before_the_clock_was_set_back_is_taken(watched: Path) -> None:
    (watched / "83.wav").write_bytes(b"x")
    assert look_and_take() is None
    WatchedFile.objects.update(seen_at=timezone.now() + timedelta(hours=1))
    assert look_and_take() == {"new": 1, "known": 0, "refused": 0, "refusals": []}


def test_only_media_files_are_taken_in(watched: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.wav"
    outside.write_bytes(b"secret")
    (watched / "link.wav").symlink_to(outside)
    (watched / ".84.wav.part").write_bytes(b"x")
    (watched / ".hidden").mkdir()
    (watched / ".hidden" / "85.wav").write_bytes(b"x")
    (watched / "notes.txt").write_bytes(b"x")
    (watched / "deep" / "er").mkdir(parents=True)
    (watched / "deep" / "er" / "86 (1).AVI").write_bytes(b"x")
    look_and_take()
    look_and_take()
    assert Creative.objects.get().advertisement_id == "86"


def test_a_refused_file_says_why_and_a_removed_one_is_forgotten(
    watched: Path, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 3
    (watched / "87.wav").write_bytes(b"too much")
    (watched / "88.wav").write_bytes(b"ok")
    look_and_take()
    found = look_and_take()
    assert found
    assert (found["new"], found["refused"]) == (1, 1)
    refused = WatchedFile.objects.get(state=WatchedFile.State.REFUSED)
    assert refused.path == "87.wav"
    assert "МБ" in refused.problem
    assert look_and_take() is None
    (watched / "87.wav").unlink()
    look_and_take()
    assert [row.path for row in WatchedFile.objects.all()] == ["88.wav"]
    assert Creative.objects.count() == 1


def test_a_scan_creates_no_second_job_while_one_is_open(watched: Path) -> None:
    (watched / "89.wav").write_bytes(b"x")
    watched_folder.look()
    first = watched_folder.look()
    assert first is not None
    assert watched_folder.look() is None


def test_without_a_folder_there_is_no_job(folders: Path, settings: Any, tmp_path: Path) -> None:
    assert watched_folder.look() is None
    settings.INGEST_FOLDER = str(tmp_path / "unplugged")
    assert watched_folder.look() is None
