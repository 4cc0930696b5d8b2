"""File names on every way of intake, hostile archives and links, and results of intake jobs."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from creativefilter.creatives.intake import archive_jobs, archives, watched_folder
from creativefilter.creatives.models import Creative, WatchedFile
from creativefilter.jobs import lifecycle, retention, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError

pytestmark = pytest.mark.django_db(transaction=True)
# 255 bytes, the most that a file system takes: letters of two bytes, a space, a suffix.
LONGEST = "Ролик " + "ж" * 120 + ".wav"
NAMES = {
    "4297908.avi": "4297908",
    "4297909 (1).AVI": "4297909",
    "Осень, ёж и 20 % скидки.mp4": None,
    LONGEST: None,
}


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in NAMES:
            archive.writestr(f"Ролики/{name}", name)
    return out.getvalue()


def by_the_page(_folder: Path, page: Client, _api: Any) -> None:
    files = [SimpleUploadedFile(name, name.encode()) for name in NAMES]
    assert page.post("/admin/creatives/creative/add/", {"files": files}).status_code == 302


def by_rest(_folder: Path, _page: Client, api: Any) -> None:
    files = [SimpleUploadedFile(name, name.encode()) for name in NAMES]
    answer = api.post("/api/v1/creatives", {"file": files}, format="multipart")
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(NAMES)


def by_archive(_folder: Path, page: Client, _api: Any) -> None:
    file = SimpleUploadedFile("ролики.zip", zipped())
    page.post("/admin/creatives/creative/add/", {"files": [file]})
    job = Job.objects.get()
    stage_runner.run_stage(str(job.pk), job.stage, "w")


def by_command(folder: Path, _page: Client, _api: Any) -> None:
    call_command("ingest", str(folder), stdout=io.StringIO(), stderr=io.StringIO())


def by_watching(folder: Path, _page: Client, _api: Any) -> None:
    assert watched_folder.look() is None
    job = watched_folder.look()
    assert job is not None
    stage_runner.run_stage(str(job.pk), job.stage, "w")


@pytest.fixture
def folder(folders: Path, settings: Any, tmp_path: Path) -> Path:
    inside = tmp_path / "in"
    inside.mkdir()
    settings.INGEST_FOLDER = str(inside)
    settings.INGEST_QUIET_SECONDS = 0
    return inside


@pytest.fixture
def page(analyst: Any) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(analyst)
    return client


@pytest.mark.parametrize("way", [by_the_page, by_rest, by_archive, by_command, by_watching])
def test_names_are_kept_and_ids_found(
    way: Callable[..., None], folder: Path, page: Client, api: Any
) -> None:
    assert len(LONGEST.encode()) == 255
    for name in NAMES:
        (folder / name).write_bytes(name.encode())
    way(folder, page, api)
    assert dict(Creative.objects.values_list("name", "advertisement_id")) == NAMES
    for creative in Creative.objects.select_related("current_media"):
        assert creative.current_media is not None
        assert creative.current_media.file.read() == creative.name.encode()


def test_the_page_of_a_job_says_what_came_of_an_archive(
    folder: Path, page: Client, settings: Any, analyst: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024**2
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("<b>96</b>.wav", bytes(2 * 1024**2))
        archive.writestr("97.wav", b"a")
        archive.writestr("98.wav", b"b")
    job = archive_jobs.start(ContentFile(out.getvalue()), "a.zip", analyst, {})
    stage_runner.run_stage(str(job.pk), job.stage, "w")
    body = page.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    assert "2 files were added." in body
    assert "1 file was refused." in body
    assert "<td>b&gt;.wav</td>" in body
    assert "refusals" not in body


def test_the_file_of_an_expired_archive_job_is_deleted(folder: Path, settings: Any) -> None:
    job = archive_jobs.start(ContentFile(zipped()), "a.zip", None, {})
    stored = Path(settings.MEDIA_ROOT) / job.params["archive"]
    lifecycle.cancel(job)
    assert stored.is_file()
    Job.objects.update(finished_at="2020-01-01T00:00:00Z")
    assert retention.delete_old() == 1
    assert not stored.exists()


def test_an_archive_with_a_too_large_directory_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "DIRECTORY_MAX", 200)
    with pytest.raises(CodedError, match=str(archives.MEMBERS_MAX)):
        archive_jobs.start(ContentFile(zipped()), "a.zip", None, {})
    assert not Job.objects.exists()


def test_links_do_not_lead_out_of_the_watched_folder(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    os.mkfifo(folder / "pipe.wav")
    (folder / "1.wav").write_bytes(b"harmless")
    (folder / "deep").mkdir()
    (folder / "deep" / "2.wav").write_bytes(b"harmless")
    watched_folder.look()
    job = watched_folder.look()
    assert job is not None
    found = dict(watched_folder.found_in(folder))
    assert set(found) == {"1.wav", "deep/2.wav"}
    # Replaced after the scan.
    (folder / "1.wav").unlink()
    (folder / "1.wav").symlink_to(secret)
    (folder / "deep").rename(tmp_path / "away")
    (tmp_path / "2.wav").write_bytes(b"secret")
    (folder / "deep").symlink_to(tmp_path)
    for row in WatchedFile.objects.all():
        watched_folder._take(row, found[row.path], folder, watched_folder.Tally())
    assert not Creative.objects.exists()
    assert set(WatchedFile.objects.values_list("state", flat=True)) == {"growing"}


@pytest.mark.parametrize("error", [NotADirectoryError, PermissionError, FileNotFoundError])
def test_an_error_of_our_storage_refuses_no_file(
    folder: Path, error: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "3.wav").write_bytes(b"x")

    def fail(*args: Any) -> str:
        raise error("the folder of the uploads")

    monkeypatch.setattr(default_storage, "_save", fail)
    watched_folder.look()
    job = watched_folder.look()
    assert job is not None
    stage_runner.run_stage(str(job.pk), job.stage, "w")
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert WatchedFile.objects.get().state == WatchedFile.State.READY
    assert watched_folder.look() is None
    Job.objects.update(finished_at="2020-01-01T00:00:00Z")
    monkeypatch.undo()
    job = watched_folder.look()
    assert job is not None
    stage_runner.run_stage(str(job.pk), job.stage, "w")
    assert Creative.objects.get().advertisement_id == "3"
