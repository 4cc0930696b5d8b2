"""Uploads in a bucket, on a real server with the S3 protocol."""

from __future__ import annotations

import io
import logging
import threading
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import Http404
from django.test import Client
from moto.server import ThreadedMotoServer
from openpyxl import load_workbook

from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.intake import archive_jobs, orphans
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from creativefilter.site import s3
from creativefilter.site.files import TooLongError, on_disk, streamed
from creativefilter.site.s3 import PART, Bucket
from creativefilter.site.unavailable import Unavailable
from creativefilter.spend.imports import jobs as spend
from creativefilter.spend.models import SpendImport
from creativefilter.tables import downloads
from tests.creatives.analysing import DEMO, MUSIC, take_in
from tests.creatives.test_archives import packed
from tests.spend.spend_files import HEADING
from tests.tables.table_files import answered, workbook
from tests.tables.table_files import received as received_table

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
KEYS = {"access_key": "key", "secret_key": "secret", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(scope="module")
def made(server: str) -> Any:
    resource = boto3.resource(
        "s3",
        endpoint_url=server,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    return resource.create_bucket(Bucket="creatives")


@pytest.fixture
def bucket(server: str, made: Any, settings: Any, folders: Path) -> Iterator[Any]:
    """Use an empty bucket as storage, without a local media folder."""
    settings.MEDIA_ROOT = "/nowhere"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "creativefilter.site.s3.Bucket",
            "OPTIONS": {"bucket_name": "creatives", "endpoint_url": server, **KEYS,
                        "location": "uploads", "addressing_style": "path"},
        },
    }  # fmt: skip
    yield made
    made.objects.all().delete()


def take_away(settings: Any) -> None:
    """Let the storage ask a server that does not exist."""
    away = dict(settings.STORAGES["default"]["OPTIONS"], endpoint_url="http://127.0.0.1:9")
    settings.STORAGES = {
        **settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": away}
    }  # fmt: skip


def names(bucket: Any) -> list[str]:
    return [one.key for one in bucket.objects.all()]


def test_an_upload_is_stored_in_the_bucket_and_decoded_from_there(bucket: Any) -> None:
    received = take_in(DEMO / MUSIC)
    [name] = names(bucket)
    assert name == f"uploads/{received.media.file.name}"
    assert bucket.Object(name).get()["Body"].read() == (DEMO / MUSIC).read_bytes()
    job = stage_runner.run_stage(str(received.job.pk), received.job.stage, "w")
    assert job is not None, Job.objects.get().error_detail
    assert job.stage == "speech"
    assert MediaVersion.objects.get().seconds == pytest.approx(10, abs=5)
    assert (working_copies.folder(received.media.pk) / working_copies.AUDIO).is_file()
    received.creative.delete()
    assert names(bucket) == []


def test_the_player_gets_the_whole_file_or_a_range(bucket: Any, analyst: Any) -> None:
    content = bytes(range(256)) * 4000
    media = take_in(content, "91.mp4").media
    page = Client()
    page.force_login(analyst)
    whole = page.get(f"/api/v1/media/{media.pk}")
    assert (whole.status_code, whole["Content-Length"]) == (200, str(len(content)))
    assert b"".join(whole) == content
    part = page.get(f"/api/v1/media/{media.pk}", headers={"range": "bytes=100000-100999"})
    assert (part.status_code, b"".join(part)) == (206, content[100_000:101_000])
    media.file.storage.delete(media.file.name)
    assert page.get(f"/api/v1/media/{media.pk}").status_code == 404


def test_a_stream_is_read_from_any_position(bucket: Any) -> None:
    content = bytes(range(256)) * 10
    with streamed(take_in(content, "92.mp4").media.file) as file:
        assert file.read(3) == content[:3]
        assert file.seek(-5, io.SEEK_END) == len(content) - 5
        assert (file.read(), file.read(1)) == (content[-5:], b"")
        file.seek(256)
        assert (file.read(2), file.tell()) == (content[256:258], 258)


def test_a_copy_on_disk_has_no_name_and_a_limited_length(bucket: Any) -> None:
    content = b"x" * (PART + 1)
    media = take_in(content, "93.mp4").media
    with on_disk(media.file, len(content)) as path:
        assert path.read_bytes() == content
        assert path.stat().st_nlink == 0
    assert not path.exists()
    with pytest.raises(TooLongError), on_disk(media.file, len(content) - 1):
        pass


def test_archives_and_tables_come_from_the_bucket_too(bucket: Any) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("94.wav", b"a")
        archive.writestr("95.wav", b"b")
    job = archive_jobs.start(ContentFile(out.getvalue()), "spots.zip", None, {})
    stage_runner.run_stage(str(job.pk), job.stage, "w")
    job.refresh_from_db()
    assert job.result
    assert job.result["new"] == 2, job.error_detail
    assert len(names(bucket)) == 2
    table = f"{HEADING}\n94,A,B,TV,10.5,2024,1\n".encode()
    row = spend.receive(ContentFile(table), "spend.csv", None)
    looked = spend.start(row, None, dry_run=True)
    stage_runner.run_stage(str(looked.pk), looked.stage, "w")
    looked.refresh_from_db()
    assert (looked.state, looked.error_detail) == ("done", "")
    assert looked.result
    assert looked.result["rows"] == 1
    row.refresh_from_db()
    row.delete()
    assert len(names(bucket)) == 2


def test_a_table_from_the_bucket_is_filled_in_and_downloaded(bucket: Any) -> None:
    table = answered(workbook([["Advertisement ID"], [94]]), "t.xlsx")
    received = b"".join(downloads.attachment(table))
    assert load_workbook(io.BytesIO(received)).active["A2"].value == 94
    default_storage.delete(str(table.result.name))
    with pytest.raises(Http404):
        downloads.attachment(table)


def test_a_bucket_that_fails_while_a_file_is_read_is_asked_again(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_jobs.start(ContentFile(packed(("1.wav", b"a"))), "a.zip", None, {})
    table = received_table(b"Advertisement ID\n1\n")
    send = BaseClient._make_api_call

    def fail(self: BaseClient, operation: str, params: Any) -> Any:
        if operation == "GetObject":
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
        return send(self, operation, params)

    monkeypatch.setattr(BaseClient, "_make_api_call", fail)
    for job in (archive, Job.objects.get(pk=table.job_id)):
        stage_runner.run_stage(str(job.pk), job.stage, "w")
        job.refresh_from_db()
        assert (job.state, job.attempts) == (Job.State.QUEUED, 1), job.error_code


def test_the_size_of_a_file_can_be_unavailable(bucket: Any, settings: Any) -> None:
    row = spend.receive(ContentFile(b"x"), "spend.csv", None)
    assert row.file.size == 1
    take_away(settings)
    with pytest.raises(Unavailable):
        spend.start(SpendImport.objects.get(), None, dry_run=True)


def test_a_missing_file_fails_with_its_code(bucket: Any) -> None:
    received = take_in(DEMO / MUSIC)
    default_storage.delete(str(received.media.file.name))
    stage_runner.run_stage(str(received.job.pk), received.job.stage, "w")
    received.creative.refresh_from_db()
    assert (received.creative.state, received.creative.error_code) == ("failed", "not_found")


def test_a_bucket_that_does_not_answer_is_asked_again(bucket: Any, settings: Any) -> None:
    received = take_in(DEMO / MUSIC)
    take_away(settings)
    job = stage_runner.run_stage(str(received.job.pk), received.job.stage, "w")
    assert job is not None
    assert (job.state, job.attempts) == (Job.State.QUEUED, 1)
    for _ in range(2):
        stage_runner.run_stage(str(job.pk), job.stage, "w")
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "storage_away")
    assert Creative.objects.get().error_code == "storage_away"


def test_concurrent_uploads_are_all_stored(bucket: Any) -> None:
    threads = [
        threading.Thread(target=default_storage.save, args=(f"{n}", ContentFile(b"%d" % n)))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(bucket)) == [f"uploads/{n}" for n in range(4)]
    assert isinstance(default_storage._wrapped, Bucket)


def test_files_without_rows_are_found_page_by_page_and_put_aside(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = [take_in(b"%d" % number, f"{number}.wav").media for number in range(3)]
    kept = archive_jobs.start(ContentFile(packed(("1.wav", b"a"))), "a.zip", None, {})
    known = {*(str(one.file.name) for one in media), kept.params["archive"]}
    for number in range(4):
        default_storage.save(f"creatives/{number}/x.wav", ContentFile(b"%d" % number))
    bucket.put_object(Key="creatives/of-another-program", Body=b"x")
    monkeypatch.setattr(s3, "PAGE", 2)
    assert orphans.compare().orphans.files == []
    monkeypatch.setattr(orphans, "OLD", timedelta(seconds=-60))
    found = orphans.compare()
    assert found.orphans.files == [f"creatives/{number}/x.wav" for number in range(4)]
    assert (found.orphans.stored, found.lost) == (8, [])

    orphans.put_aside(found.orphans)
    assert orphans.compare().orphans.files == []
    left = {name.removeprefix("uploads/") for name in names(bucket)}
    aside = {name for name in left if name.startswith("quarantine/")}
    assert left - aside == known | {"creatives/of-another-program"}
    assert {default_storage.open(name).read() for name in aside} == {b"0", b"1", b"2", b"3"}


def test_a_file_that_the_bucket_lost_comes_back_with_the_same_upload(bucket: Any) -> None:
    media = take_in(b"one", "1.wav").media
    default_storage.delete(str(media.file.name))
    [lost] = orphans.compare().lost
    assert (lost.rows, lost.count) == ([media], 1)
    again = take_in(b"one", "1.wav").media
    assert again == media
    assert default_storage.open(str(again.file.name)).read() == b"one"
    assert orphans.compare().lost == []
