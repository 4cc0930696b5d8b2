"""Access to the API with and without a login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from creativefilter.jobs.models import Job

pytestmark = pytest.mark.django_db
ADDRESSES = ["predict", "segments", "schema"]


@pytest.mark.parametrize("name", ADDRESSES)
def test_the_api_requires_a_login(anonymous: Any, name: str) -> None:
    method = anonymous.post if name == "predict" else anonymous.get
    response = method(f"/api/v1/{name}")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("name", ["docs", "redoc"])
def test_schema_pages_redirect_to_the_login(anonymous: Any, name: str) -> None:
    response = anonymous.get(f"/api/v1/{name}")
    assert response.status_code == 302
    assert response["Location"] == f"/admin/login/?next=/api/v1/{name}"


def test_only_the_owner_sees_a_job(
    api: Any, stranger: Any, anonymous: Any, form: Any, folders: Path
) -> None:
    address = api.post("/api/v1/predict", form(b"bytes"))["Location"]
    assert api.get(address).status_code == 200
    assert stranger.get(address).status_code == 404
    assert anonymous.get(address).status_code == 401


def test_jobs_without_an_owner_are_hidden(api: Any, stranger: Any) -> None:
    job = Job.objects.create(kind="analyse", stage="decoding")
    for client in (api, stranger):
        assert client.get(f"/api/v1/jobs/{job.pk}").status_code == 404


def test_a_session_of_the_admin_pages_is_accepted_but_posts_need_a_csrf_token(
    analyst: Any, form: Any, folders: Path
) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(analyst)
    assert client.get("/api/v1/segments").status_code == 200
    assert client.post("/api/v1/predict", form(b"bytes")).status_code == 403
    assert not Job.objects.exists()


def test_segments_are_listed_with_their_criteria(api: Any) -> None:
    rows = api.get("/api/v1/segments").json()
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4, 5, *range(7, 19)]
    assert all(row["criteria"] and row["criteria_en"] for row in rows)


def test_the_health_check_needs_no_login(anonymous: Any) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok"}
