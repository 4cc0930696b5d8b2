"""The page that adds files, one or many at once."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creativefilter.creatives.models import Creative, MediaVersion, WaitingLabel
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from tests.creatives.analysing import stored_files, take_in

pytestmark = pytest.mark.django_db
ADD = "/admin/creatives/creative/add/"
LIST = "/admin/creatives/creative/"


@pytest.fixture
def page(client: Client, analyst: Any, folders: Path) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


def send(page: Client, files: dict[str, bytes], **options: Any) -> Any:
    uploads = [SimpleUploadedFile(name, content) for name, content in files.items()]
    return page.post(ADD, {"files": uploads}, **options)


def test_the_page_takes_many_files(page: Client) -> None:
    text = page.get(ADD).content.decode()
    assert 'type="file"' in text
    assert "multiple" in text
    assert 'enctype="multipart/form-data"' in text


def test_several_files_become_several_creatives_and_jobs(
    page: Client, analyst: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        response = send(page, {"1.avi": b"one", "2.mp4": b"two", "осень.wav": b"three"})
    assert (response.status_code, response["Location"]) == (302, LIST)
    rows = Creative.objects.order_by("pk")
    assert [row.name for row in rows] == ["1.avi", "2.mp4", "осень.wav"]
    assert [row.advertisement_id for row in rows] == ["1", "2", None]
    assert {row.created_by for row in rows} == {analyst}
    assert {job.urgency for job in Job.objects.all()} == {Job.Urgency.INTERACTIVE}
    assert len(queued) == 3


def test_a_file_that_is_too_large_does_not_stop_the_others(page: Client, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1024**2
    large = b"x" * (1024**2 + 1)
    response = send(page, {"1.avi": b"one", "2.avi": large, "3.avi": b"three"}, follow=True)
    text = response.content.decode()
    assert "2.avi: The file is larger than 1 MB." in text
    assert "2 files were added." in text
    assert set(Creative.objects.values_list("name", flat=True)) == {"1.avi", "3.avi"}


def test_the_page_stays_if_no_file_is_accepted(page: Client, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1
    response = send(page, {"1.avi": b"one"})
    assert response["Location"] == ADD
    assert not Creative.objects.exists()


def test_without_a_file_the_page_says_so(page: Client) -> None:
    response = page.post(ADD, {}, follow=True)
    assert "Choose at least one file." in response.content.decode()


def test_known_files_are_reported_and_not_stored_again(page: Client, folders: Path) -> None:
    take_in(b"one", "1.avi")
    text = send(page, {"1.avi": b"one", "2.avi": b"two"}, follow=True).content.decode()
    assert "1 file was added." in text
    assert "1 file was already stored." in text
    assert MediaVersion.objects.count() == len(stored_files(folders)) == 2


def test_the_upload_script_gets_the_address_to_open_next(page: Client) -> None:
    response = send(page, {"1.avi": b"one"}, headers={"Accept": "application/json"})
    assert response.json() == {"location": LIST}


def test_the_form_is_protected_against_other_sites(analyst: Any, folders: Path) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(analyst)
    assert send(careful, {"1.avi": b"one"}).status_code == 403
    assert not Creative.objects.exists()


def test_an_archive_is_unpacked_by_a_job_and_a_table_names_the_files(page: Client) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("весна.wav", b"one")
    files = [
        SimpleUploadedFile("all.ZIP", out.getvalue()),
        SimpleUploadedFile("лето.wav", b"two"),
        SimpleUploadedFile("spoilt.zip", b"no archive"),
    ]
    table = SimpleUploadedFile(
        "ids.csv", "файл;Advertisement ID\nвесна;71\nлето.wav;72\n".encode("cp1251")
    )
    text = page.post(ADD, {"files": files, "table": table}, follow=True).content.decode()
    assert "1 file was added." in text
    assert "1 archive is being unpacked" in text
    assert "spoilt.zip: The archive is damaged" in text
    job = Job.objects.get(kind="unpack")
    assert stage_runner.run_stage(str(job.pk), job.stage, "w") is None
    found = dict(Creative.objects.values_list("advertisement_id", "name"))
    assert found == {"71": "весна.wav", "72": "лето.wav"}


def test_an_unreadable_table_of_ids_stops_the_upload(page: Client) -> None:
    files = {"files": [SimpleUploadedFile("1.wav", b"one")]}
    table = SimpleUploadedFile("ids.csv", b"what,who\n1,2\n")
    text = page.post(ADD, {**files, "table": table}, follow=True).content.decode()
    assert "The table has no column «Advertisement ID» in its first 20 rows." in text
    assert not Creative.objects.exists()


def test_a_full_quota_reports_how_many_files_were_not_added(page: Client, settings: Any) -> None:
    settings.OPEN_JOBS_PER_USER = 1
    text = send(page, {"1.avi": b"one", "2.avi": b"two", "3.avi": b"3"}, follow=True)
    assert "2 files were not added. You have 1 unfinished job" in text.content.decode()
    [creative] = Creative.objects.all()
    address = f"{LIST}{creative.pk}/"
    settings.OPEN_JOBS_PER_USER = 0
    Job.objects.update(state=Job.State.DONE)
    # On the page of a creative a middleware handles the refusal: it redirects to the Referer.
    answer = page.post(f"{address}again/", follow=True, headers={"Referer": f"{address}change/"})
    assert "You have 0 unfinished jobs" in answer.content.decode()


def test_an_id_can_be_given_later(page: Client) -> None:
    nameless, taken = take_in(b"x", "осень.wav").creative, take_in(b"y", "7.wav").creative
    WaitingLabel.objects.create(advertisement_id="8", segment_id=3, source="labels.csv")
    address = f"{LIST}{nameless.pk}/identify/"
    text = page.post(address, {"advertisement_id": "7"}, follow=True).content.decode()
    assert "Another creative has the Advertisement ID 7." in text
    page.post(address, {"advertisement_id": " 8 "})
    nameless.refresh_from_db()
    assert nameless.advertisement_id == "8"
    # The waiting label of this ID is the creative's label now.
    assert nameless.labels.get().segment_id == 3
    assert taken.advertisement_id == "7"
