"""REST views of jobs: list, poll, cancel, retry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from creativefilter.creatives.models import Creative
from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/jobs"


def make(owner: User | None, kind: str = "echo", **options: Any) -> Job:
    return lifecycle.create(KINDS[kind], {"say": "x", "seconds": 0}, owner, **options)


def test_stages_are_shown_with_times_and_attempts(api: Any, analyst: User) -> None:
    job = make(analyst, "walk")
    stage_runner.run_stage(str(job.pk), "one", "w")
    claimed = stage_runner.claim(str(job.pk), "two", "w")
    assert claimed is not None
    lifecycle.release(claimed, "database_busy")
    stage_runner.claim(str(job.pk), "two", "w")
    body = api.get(f"{JOBS}/{job.pk}").json()
    assert (body["state"], body["stage"], body["place"]) == ("running", "two", None)
    one, two, three = body["stages"]
    assert (one["name"], one["state"], one["attempts"]) == ("one", "done", 1)
    assert one["seconds"] >= 0
    assert one["started_at"]
    assert (two["state"], two["attempts"], two["seconds"]) == ("running", 2, None)
    assert (three["state"], three["started_at"], three["attempts"]) == ("waiting", None, 0)


def test_a_worker_whose_claim_is_lost_stores_no_timing(analyst: User) -> None:
    job = make(analyst)
    late = stage_runner.claim(str(job.pk), "one", "w")
    assert late is not None
    lifecycle.cancel(job)
    assert stage_runner._advance(late, KINDS["echo"], dict) is None
    assert not lifecycle.fail(late, "internal")
    job.refresh_from_db()
    assert job.timings == []


def test_the_place_is_the_number_of_jobs_before_it(api: Any, analyst: User) -> None:
    other = User.objects.create_user("other")
    first, second = make(other), make(analyst)
    batch = make(analyst, urgency=Job.Urgency.BATCH)
    elsewhere = make(analyst)
    Job.objects.filter(pk=elsewhere.pk).update(stage="two")  # another resource
    places = {row["id"]: row["place"] for row in api.get(JOBS).json()["results"]}
    assert places == {str(second.pk): 1, str(batch.pk): 0, str(elsewhere.pk): 0}
    assert api.get(f"{JOBS}/{second.pk}").json()["place"] == 1
    # Jobs at later stages go first.
    later_stage = make(other, "walk")
    Job.objects.filter(pk=later_stage.pk).update(stage="three")
    assert api.get(f"{JOBS}/{second.pk}").json()["place"] == 2
    lifecycle.cancel(first)
    assert api.get(f"{JOBS}/{second.pk}").json()["place"] == 1


def test_users_see_and_change_only_their_own_jobs(api: Any, stranger: Any, analyst: User) -> None:
    User.objects.filter(username="stranger").update(is_superuser=True)
    job = make(analyst)
    make(None)
    assert [row["id"] for row in api.get(JOBS).json()["results"]] == [str(job.pk)]
    assert stranger.get(JOBS).json()["results"] == []
    assert stranger.get(f"{JOBS}/{job.pk}").status_code == 404
    for what in ("cancel", "retry"):
        assert stranger.post(f"{JOBS}/{job.pk}/{what}").status_code == 404


def test_jobs_are_filtered_by_kind_state_and_time(api: Any, analyst: User) -> None:
    echo, walk = make(analyst), make(analyst, "walk")
    lifecycle.cancel(echo)

    def found(query: str) -> set[str]:
        return {row["id"] for row in api.get(f"{JOBS}?{query}").json()["results"]}

    assert found("kind=walk") == found("state=queued&state=running") == {str(walk.pk)}
    assert found("state=cancelled") == {str(echo.pk)}
    moment = walk.created_at.isoformat().replace("+00:00", "Z")
    assert found(f"created_from={moment}") == {str(walk.pk)}
    assert found(f"created_before={moment}") == {str(echo.pk)}


def test_a_job_can_be_cancelled_once_and_then_retried_once(
    api: Any, analyst: User, django_capture_on_commit_callbacks: Any
) -> None:
    address = f"{JOBS}/{make(analyst).pk}"
    assert api.post(f"{address}/retry").json()["code"] == "job_not_retriable"
    cancelled = api.post(f"{address}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = api.post(f"{address}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_ended")
    with django_capture_on_commit_callbacks() as queued:
        retried = api.post(f"{address}/retry")
    assert (retried.status_code, retried.json()["state"], len(queued)) == (202, "queued", 1)
    assert retried["Location"] == f"http://testserver{address}"
    assert retried.json()["stages"][0]["state"] == "queued"
    assert api.post(f"{address}/retry").status_code == 409


@pytest.mark.parametrize("unknown", [{"kind": "gone"}, {"stage": "gone"}])
def test_a_job_of_an_unknown_kind_or_stage_is_listed_without_a_place(
    api: Any, analyst: User, unknown: dict[str, str]
) -> None:
    make(analyst)
    Job.objects.update(**unknown)
    [row] = api.get(JOBS).json()["results"]
    assert (row["state"], row["place"]) == ("queued", None)


def test_a_job_of_an_unknown_kind_is_not_retried(api: Any, analyst: User) -> None:
    job = make(analyst)
    Job.objects.update(kind="gone", state=Job.State.FAILED)
    refused = api.post(f"{JOBS}/{job.pk}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_retriable")


def test_cancel_and_retry_change_the_state_of_the_creative(
    api: Any, form: Any, folders: Path
) -> None:
    body = api.post("/api/v1/predict", form(b"bytes")).json()
    creative = Creative.objects.get()
    assert body["links"] == {"creative": f"http://testserver/api/v1/creatives/{creative.pk}"}
    api.post(f"{body['url']}/cancel")
    creative.refresh_from_db()
    assert (creative.state, creative.error_code) == (Creative.State.FAILED, "cancelled")
    api.post(f"{body['url']}/retry")
    creative.refresh_from_db()
    assert (creative.state, creative.error_code) == (Creative.State.QUEUED, "")


def test_a_job_has_an_etag_that_changes_with_its_state(api: Any, analyst: User) -> None:
    job = make(analyst)
    tag = api.get(f"{JOBS}/{job.pk}")["ETag"]
    same = api.get(f"{JOBS}/{job.pk}", headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    stage_runner.claim(str(job.pk), "one", "w")
    changed = api.get(f"{JOBS}/{job.pk}", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["state"]) == (200, "running")
    assert changed["ETag"] != tag


def test_a_poll_computes_the_place_once(api: Any, analyst: User) -> None:
    job = make(analyst)
    with CaptureQueriesContext(connection) as queries:
        assert api.get(f"{JOBS}/{job.pk}").json()["place"] == 0
    # One count of jobs with a higher priority, one of older jobs with the same priority.
    assert sum("COUNT(" in query["sql"] for query in queries) <= 2
