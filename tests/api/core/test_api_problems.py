"""Errors are problem details with a stable code and a sentence in the requested language."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from creativefilter.jobs import lifecycle
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db
FIELDS = {"type", "title", "status", "detail", "code", "instance"}


def problem(response: Any, status: int, code: str) -> Any:
    """Check the format of an error and return its body."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert set(body) - {"errors"} == FIELDS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].endswith(code.replace("_", "-"))
    assert body["instance"] == response.wsgi_request.path
    return body


def test_each_kind_of_error_has_its_code(api: Any, anonymous: Any, stranger: Any) -> None:
    problem(api.get("/api/v1/nothing-here"), 404, "not_found")
    problem(api.get("/api/v1/jobs/not-a-number"), 404, "not_found")
    problem(api.get("/api/v1/jobs/0197f3c2-6c1e-7d53-9f0a-3f5b2d1c8e44"), 404, "not_found")
    problem(anonymous.get("/api/v1/jobs"), 401, "not_authenticated")
    problem(api.delete("/api/v1/predict"), 405, "method_not_allowed")
    problem(api.post("/api/v1/predict", {}, format="json"), 415, "unsupported_media_type")
    problem(api.get("/api/v1/jobs", headers={"Accept": "text/html"}), 406, "not_acceptable")
    problem(stranger.post("/api/v1/predict", {}), 403, "permission_denied")


def test_a_bad_token_and_a_missing_csrf_token_have_different_codes(
    anonymous: Any, analyst: User
) -> None:
    bad = anonymous.get("/api/v1/jobs", headers={"Authorization": "Token nonsense"})
    problem(bad, 401, "invalid_token")
    assert bad["WWW-Authenticate"] == "Token"
    session = APIClient(enforce_csrf_checks=True)
    session.force_login(analyst)
    problem(session.post("/api/v1/predict", {}), 403, "csrf_failed")


def test_wrong_fields_are_listed_with_codes_and_sentences(russian: Any) -> None:
    body = problem(russian.post("/api/v1/predict?wait=soon", {}), 400, "invalid_input")
    [wrong] = body["errors"]["wait"]
    assert wrong["code"] == "invalid"
    assert "число" in wrong["message"]


def test_broken_json_is_a_malformed_request(api: Any) -> None:
    job = lifecycle.create(KINDS["echo"], {}, User.objects.get(username="analyst"))
    response = api.post(
        f"/api/v1/jobs/{job.pk}/cancel", b"{", content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )  # fmt: skip
    problem(response, 400, "malformed_request")


def test_an_internal_error_is_a_problem_without_details(
    analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("creativefilter.jobs.timings.places", fails)
    client = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
    client.force_login(analyst)
    body = problem(client.get("/api/v1/jobs"), 500, "internal")
    assert "ZeroDivision" not in body["detail"]


def test_pages_answer_errors_in_html(client: Any) -> None:
    response = client.get("/nothing-here")
    assert (response.status_code, response["Content-Type"][:9]) == (404, "text/html")
