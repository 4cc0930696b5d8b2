"""POST /predict: the interface of the reference service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives.models import Creative
from creativefilter.jobs.models import Job
from tests.creatives.analysing import DEMO, MUSIC, SPOKEN, analysed

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("address", ["/predict", "/predict/"])


@BOTH
@pytest.mark.weights
def test_the_answer_has_only_the_name_of_the_segment(
    api: Any, form: Any, folders: Path, recogniser: None, address: str
) -> None:
    analysed(DEMO / SPOKEN)
    response = api.post(address, form((DEMO / SPOKEN).read_bytes(), SPOKEN))
    assert response.status_code == 200
    assert response.json() == {"result": "Кредитные карты"}


@pytest.mark.weights
def test_without_speech_the_result_is_null_with_a_reason(
    api: Any, form: Any, folders: Path, recogniser: None
) -> None:
    analysed(DEMO / MUSIC)
    response = api.post("/predict", form((DEMO / MUSIC).read_bytes(), MUSIC))
    assert response.status_code == 200
    body = response.json()
    assert (body["result"], body["reason"]) == (None, "no_speech")
    assert body["message"].startswith("There is no speech")


def test_after_the_wait_the_answer_is_a_504_with_the_url_of_the_job(
    api: Any, form: Any, folders: Path, settings: Any
) -> None:
    settings.PREDICT_WAIT_SECONDS = 1
    response = api.post("/predict", form(b"bytes"))
    assert response.status_code == 504
    body = response.json()
    assert (body["result"], body["reason"]) == (None, "not_ready")
    assert body["job"] == response["Location"]
    assert api.get(body["job"]).json()["id"] == str(Job.objects.get().pk)


@BOTH
def test_without_predict_anonymous_a_login_is_required(
    anonymous: Any, form: Any, folders: Path, settings: Any, address: str
) -> None:
    assert settings.PREDICT_ANONYMOUS is False
    assert anonymous.post(address, form(b"bytes")).status_code == 401
    assert not Creative.objects.exists()


def test_with_predict_anonymous_a_client_without_login_can_poll_its_job(
    anonymous: Any, api: Any, form: Any, folders: Path, settings: Any
) -> None:
    settings.PREDICT_ANONYMOUS, settings.PREDICT_WAIT_SECONDS = True, 1
    address = anonymous.post("/predict", form(b"bytes")).json()["job"]
    assert anonymous.get(address).json()["state"] == Job.State.QUEUED
    own = api.post("/api/v1/predict", form(b"others")).json()["url"]
    assert anonymous.get(own).status_code == 404


def test_internal_errors_are_a_500_and_bad_files_a_422(
    api: Any, form: Any, folders: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREDICT_WAIT_SECONDS = 1

    def fails(job: Job, seconds: float) -> bool:
        job.state, job.error_code = Job.State.FAILED, code
        return True

    monkeypatch.setattr("creativefilter.api.predict.views.wait_for", fails)
    for code, status in (("internal", 500), ("worker_lost", 500), ("damaged", 422)):
        response = api.post("/predict", form(code.encode()))
        assert (response.status_code, response.json()["reason"]) == (status, code)


@pytest.mark.weights
def test_predict_anonymous_applies_to_the_reference_service_only(
    anonymous: Any, form: Any, folders: Path, recogniser: None, settings: Any
) -> None:
    settings.PREDICT_ANONYMOUS = True
    analysed(DEMO / SPOKEN)
    content = (DEMO / SPOKEN).read_bytes()
    response = anonymous.post("/predict", form(content, SPOKEN))
    assert (response.status_code, response.json()) == (200, {"result": "Кредитные карты"})
    assert Job.objects.first().owner is None  # type: ignore[union-attr]
    assert anonymous.post("/api/v1/predict", form(content, SPOKEN)).status_code == 401


def test_a_missing_file_is_refused_in_the_requested_language(russian: Any) -> None:
    response = russian.post("/predict", {})
    assert response.status_code == 400
    [wrong] = response.json()["errors"]["file"]
    assert wrong["message"] == "Ни одного файла не было отправлено."


def test_only_post_is_allowed(api: Any) -> None:
    assert api.get("/predict").status_code == 405
