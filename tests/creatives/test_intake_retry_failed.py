"""Retry of all failed creatives: by the page, by the API, thousands at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import OuterRef, Subquery
from django.test import Client

from creativefilter.creatives.analysis import retry
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs import lifecycle, recovery
from creativefilter.jobs.models import Job
from tests.creatives.analysing import analysed, take_in

pytestmark = pytest.mark.django_db
ASK = "/admin/creatives/creative/retry-failed/"


def failed(count: int, code: str = "timed_out", **fields: Any) -> None:
    rows = Creative.objects.bulk_create(
        Creative(name=f"{n}.wav", state=Creative.State.FAILED, error_code=code, **fields)
        for n in range(count)
    )
    MediaVersion.objects.bulk_create(
        MediaVersion(creative=row, sha256=f"{row.pk:064}", size=1, file=f"{row.pk}") for row in rows
    )
    media = MediaVersion.objects.filter(creative=OuterRef("pk")).values("pk")[:1]
    Creative.objects.filter(current_media=None).update(current_media=Subquery(media))


@pytest.fixture
def page(analyst: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(analyst)
    return client


def test_the_button_counts_and_the_page_asks_by_reason(folders: Path, page: Client) -> None:
    creative = analysed(b"no sound", "1.wav")
    failed(2)
    take_in(b"in work", "3.wav")
    assert "Retry all failed (3)" in page.get("/admin/creatives/creative/").content.decode()
    asked = page.get(ASK).content.decode()
    assert "3 creatives have failed" in asked
    assert "This is neither audio nor video" in asked
    assert page.post(ASK).status_code == 302
    assert Creative.objects.filter(state="failed").count() == 3
    page.post(ASK, {"reason": "timed_out"})
    assert list(Creative.objects.filter(state="failed")) == [creative]
    page.post(ASK, {"reason": "not_media"})
    creative.refresh_from_db()
    assert (creative.state, creative.error_code) == (Creative.State.QUEUED, "")
    assert creative.job is not None
    assert (creative.job.stage, creative.job.urgency) == ("decoding", Job.Urgency.BATCH)
    assert "No creative has failed" in page.get(ASK).content.decode()


def test_the_api_retries_creatives_by_filter_and_returns_the_number(db: None, api: Any) -> None:
    failed(2, brand="A")
    failed(3, "no_weights", brand="B")
    address = "/api/v1/creatives/retry_failed"
    asked = [
        ({"filter": {"brand": ["A"]}, "error_codes": ["no_weights"]}, 0),
        ({"filter": {"brand": ["A"]}}, 2),
        ({"error_codes": ["no_weights"]}, 3),
        ({"expected": 0}, 0),
    ]
    for body, count in asked:
        answer = api.post(address, body, format="json")
        assert (answer.status_code, answer.json()) == (202, {"queued": count})
    assert api.post(address, {"error_codes": ["\x00"]}, format="json").status_code == 400


def test_the_api_retries_all_only_with_the_expected_number(db: None, api: Any) -> None:
    failed(2)
    address = "/api/v1/creatives/retry_failed"

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        response = api.post(address, body, format="json")
        return response.status_code, response.json()

    for body, field, code in (
        ({"error_code": ["storage_away"]}, "error_code", "unknown_field"),
        ({}, "expected", "required"),
        ({"filter": {"brand": []}}, "expected", "required"),
    ):
        status, problem = answer(body)
        assert (status, problem["errors"][field][0]["code"]) == (400, code)
    assert answer({"dry_run": True}) == (200, {"queued": 2})
    status, problem = answer({"expected": 3})
    assert (status, problem["code"]) == (409, "creatives_changed")
    assert Creative.objects.filter(state="failed").count() == 2
    assert answer({"expected": 2}) == (202, {"queued": 2})


def test_thousands_are_retried_with_few_queries(
    db: None, analyst: User, django_assert_max_num_queries: Any
) -> None:
    failed(3000)
    with django_assert_max_num_queries(80):
        jobs = retry.retry(analyst)
    assert len(jobs) == 3000
    assert not Creative.objects.exclude(state="queued").exists()
    row = Creative.objects.select_related("job").latest("pk")
    assert row.job
    assert row.job.params == {"creative": row.pk, "media": row.current_media_id}
    assert retry.retry(analyst) == []
    # The sweep publishes them later; they do not count towards the user's quota.
    assert len(recovery.sweep()) == recovery.REPUBLISH_AT_ONCE
    assert not Job.objects.filter(in_quota=True).exists()


def test_creatives_with_an_open_job_or_without_media_are_not_retried(folders: Path) -> None:
    received = take_in(b"x", "4.wav")
    Creative.objects.update(state=Creative.State.FAILED, error_code="x")
    Creative.objects.create(name="?", state=Creative.State.FAILED)
    assert retry.retry(None) == []
    lifecycle.cancel(received.job)
    [job] = retry.retry(None)
    received.creative.refresh_from_db()
    assert received.creative.job == job
