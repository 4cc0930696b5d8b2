"""A full disk: uploads and jobs fail with the reason, and leave no partial file."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from creativefilter.creatives.models import Creative
from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.spend.models import SpendImport
from creativefilter.tables.models import Table
from tests.creatives.analysing import DEMO, MUSIC, take_in

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = 256 * 1024
LARGE = b"1,x\n" * ROOM
HEADING = b"Advertisement ID,n\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Folder on a file system of ``ROOM`` bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def media(disk: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = disk / "media"
    settings.MEDIA_ROOT.mkdir()
    return disk


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def nothing_is_left(folder: Path) -> bool:
    rows = (Creative, Job, SpendImport, Table)
    return not files(folder) and not any(model._default_manager.exists() for model in rows)


@pytest.mark.parametrize("path", ["predict", "creatives", "spend/imports", "predict_table"])
def test_uploads_answer_507_if_the_storage_is_full(media: Path, api: APIClient, path: str) -> None:
    upload = SimpleUploadedFile("1.csv" if path[-1] != "s" else "1.avi", HEADING + LARGE)
    answer = api.post(f"/api/v1/{path}", {"file": upload}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert "no space" in answer.json()["detail"]
    assert nothing_is_left(media)


def test_uploads_answer_507_if_the_temporary_folder_is_full(
    disk: Path, settings: Any, api: APIClient
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR, settings.FILE_UPLOAD_MAX_MEMORY_SIZE = str(disk), 1
    upload = SimpleUploadedFile("1.avi", LARGE)
    answer = api.post("/api/v1/predict", {"file": upload}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert files(disk) == []
    assert nothing_is_left(disk)


@pytest.mark.parametrize("where", ["storage", "body"])
def test_pages_answer_507_with_a_sentence(
    where: str, disk: Path, settings: Any, analyst: Any
) -> None:
    if where == "storage":
        settings.MEDIA_ROOT = disk
    else:
        settings.FILE_UPLOAD_TEMP_DIR, settings.FILE_UPLOAD_MAX_MEMORY_SIZE = str(disk), 1
    page = Client(raise_request_exception=False)
    page.force_login(analyst)
    page.cookies["django_language"] = "en"
    files = [SimpleUploadedFile("1.avi", LARGE)]
    answer = page.post("/admin/creatives/creative/add/", {"files": files})
    assert answer.status_code == 507
    assert "no space" in answer.content.decode()
    assert nothing_is_left(disk)


def test_ingest_ends_with_the_reason_and_the_number_of_added_files(
    media: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.wav").write_bytes(bytes([number]) * (ROOM // 4))
    out = io.StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("ingest", folder, stdout=out, stderr=out)
    assert "Диск заполнен" in str(ended.value)
    added = Creative.objects.count()
    assert 0 < added < 8
    assert f": {added}." in out.getvalue()
    assert len(files(media)) == added


def test_a_job_fails_with_storage_full_and_can_be_retried(
    disk: Path, folders: Path, settings: Any
) -> None:
    settings.DERIVED_ROOT = disk / "derived"
    filling = disk / "filling"
    filling.write_bytes(bytes(ROOM - 8192))
    job = take_in(DEMO / MUSIC).job
    assert stage_runner.run_stage(str(job.pk), "decoding", "w") is None
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "storage_full")
    assert Creative.objects.get().error_code == "storage_full"
    assert files(disk) == ["filling"]
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    assert lifecycle.retry(job)
    next_stage = stage_runner.run_stage(str(job.pk), "decoding", "w")
    assert next_stage is not None
    assert next_stage.stage == "speech"
