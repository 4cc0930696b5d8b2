"""POST /api/v1/predict: upload a file, get a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives.models import Creative
from creativefilter.jobs.models import Job
from tests.creatives.analysing import DEMO, SPOKEN, SPOKEN_SEGMENT, analysed, run, stored_files

pytestmark = pytest.mark.django_db
PREDICT = "/api/v1/predict"


def test_an_upload_is_accepted_with_the_url_of_its_job(
    api: Any, form: Any, folders: Path, analyst: Any
) -> None:
    response = api.post(PREDICT, form(b"bytes", "4297908.avi"))
    job, creative = Job.objects.get(), Creative.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver/api/v1/jobs/{job.pk}"
    body = response.json()
    assert body["id"] == str(job.pk)
    assert body["url"] == response["Location"]
    assert (body["state"], body["stage"], body["progress"]) == ("queued", "decoding", 0)
    assert body["result"] is body["error"] is None
    assert job.owner == creative.created_by == analyst
    assert job.urgency == Job.Urgency.INTERACTIVE
    assert (creative.advertisement_id, creative.job) == ("4297908", job)


@pytest.mark.weights
def test_the_job_is_polled_until_it_has_a_result(
    api: Any, form: Any, folders: Path, recogniser: None
) -> None:
    address = api.post(PREDICT, form((DEMO / SPOKEN).read_bytes(), SPOKEN))["Location"]
    assert api.get(address).json()["state"] == "queued"
    run(Job.objects.get())
    body = api.get(address).json()
    assert (body["state"], body["progress"], body["error"]) == ("done", 100, None)
    assert body["result"]["segment_num"] == SPOKEN_SEGMENT
    assert body["result"]["segment"] == "Кредитные карты"
    assert body["result"]["advertisement_id"] == "90000023"
    assert (body["result"]["decision"], body["result"]["conflict"]) == ("auto", False)


@pytest.mark.weights
def test_a_file_that_was_analysed_before_is_answered_at_once(
    api: Any, form: Any, folders: Path, recogniser: None
) -> None:
    analysed(DEMO / SPOKEN)
    response = api.post(PREDICT, form((DEMO / SPOKEN).read_bytes(), SPOKEN))
    assert response.status_code == 200
    assert response.json()["result"]["segment_num"] == SPOKEN_SEGMENT


def test_the_advertisement_id_can_be_sent_with_the_file(api: Any, form: Any, folders: Path) -> None:
    api.post(PREDICT, form(b"bytes", "4297908.avi", advertisement_id="AD-77"))
    assert Creative.objects.get().advertisement_id == "AD-77"


@pytest.mark.parametrize("value", ["9" * 65, "4\x002"])
def test_an_invalid_advertisement_id_is_refused(
    api: Any, form: Any, folders: Path, value: str
) -> None:
    response = api.post(PREDICT, form(b"bytes", advertisement_id=value))
    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["advertisement_id"]
    assert not Creative.objects.exists()
    assert not stored_files(folders)


def test_a_request_without_a_file_is_refused(api: Any) -> None:
    response = api.post(PREDICT, {"advertisement_id": "1"})
    assert response.status_code == 400
    problem = response.json()
    assert (problem["code"], problem["status"]) == ("invalid_input", 400)
    assert problem["errors"] == {
        "file": [{"code": "required", "message": "No file was submitted."}]
    }


def test_refusals_are_in_the_requested_language(russian: Any) -> None:
    response = russian.post(PREDICT, {})
    assert response.status_code == 400
    [wrong] = response.json()["errors"]["file"]
    assert wrong["message"] == "Ни одного файла не было отправлено."


def test_a_file_over_the_limit_is_refused(
    api: Any, form: Any, folders: Path, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024**2
    response = api.post(PREDICT, form(b"x" * (1024**2 + 1)))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert not Job.objects.exists()
    assert not stored_files(folders)


def test_json_instead_of_a_form_is_refused(api: Any) -> None:
    assert api.post(PREDICT, {"file": "x"}, format="json").status_code == 415


def test_a_file_that_is_not_media_becomes_a_failed_job(api: Any, form: Any, folders: Path) -> None:
    response = api.post(PREDICT, form(b"no sound", "1.wav"))
    assert response.status_code == 202
    run(Job.objects.get())
    body = api.get(response["Location"]).json()
    assert (body["state"], body["error"]["code"], body["result"]) == ("failed", "not_media", None)
    assert body["error"]["message"].startswith("This is neither audio nor video")


def test_reasons_of_failures_are_in_the_requested_language(
    russian: Any, form: Any, folders: Path
) -> None:
    address = russian.post(PREDICT, form(b"no sound", "1.wav"))["Location"]
    run(Job.objects.get())
    assert russian.get(address).json()["error"]["message"].startswith("Это не аудио и не видео")


def test_a_hostile_file_name_is_made_harmless(api: Any, form: Any, folders: Path) -> None:
    response = api.post(PREDICT, form(b"bytes", "../../../etc/cron.d/x.wav.html"))
    assert response.status_code == 202
    assert Creative.objects.get().name == "x.wav.html"
    [stored] = stored_files(folders.parent)
    assert stored.is_relative_to(folders / "creatives")
