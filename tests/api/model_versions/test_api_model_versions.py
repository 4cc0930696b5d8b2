"""REST views of model versions: list, show, activate."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from creativefilter.accounts.roles import Role
from creativefilter.creatives import model_versions
from creativefilter.creatives.models import Creative, MediaVersion, ModelVersion, Transcript
from creativefilter.jobs.models import Job
from tests.api.roles_of import client_of

pytestmark = pytest.mark.django_db
VERSIONS = "/api/v1/model_versions"


@pytest.fixture
def other() -> ModelVersion:
    return ModelVersion.objects.create(
        name="other", digest="other", folder="elsewhere",
        metrics={"macro_f1_grouped": 0.8, "text": "no number"},
    )  # fmt: skip


def creative_without_prediction() -> None:
    row = Creative.objects.create(name="1.mp4", state=Creative.State.DONE)
    media = MediaVersion.objects.create(creative=row, original_name="1", sha256="1", size=1)
    row.current_media = media
    row.save()
    Transcript.objects.create(
        media=media, engine="e", model="m", language="ru", text="", speech="", spoken=True,
        seconds_taken=1,
    )  # fmt: skip


def test_versions_are_listed_with_their_metrics(api: APIClient, other: ModelVersion) -> None:
    first, second = api.get(VERSIONS).json()["results"]
    assert (first["name"], first["is_active"], first["predictions"]) == ("other", False, 0)
    assert first["metrics"] == {"macro_f1_grouped": 0.8}
    assert "folder" not in first
    active = api.get(f"{VERSIONS}/active").json()
    assert active == second == api.get(second["url"]).json()
    assert active["id"] == model_versions.active().pk
    ModelVersion.objects.update(is_active=False)
    assert api.get(f"{VERSIONS}/active").status_code == 404


def test_activating_a_version_queues_creatives_without_its_prediction(
    api: APIClient, other: ModelVersion, django_capture_on_commit_callbacks: Any
) -> None:
    creative_without_prediction()
    before = model_versions.active()
    with django_capture_on_commit_callbacks() as queued:
        response = api.post(f"{VERSIONS}/{other.pk}/activate")
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["before"], answer["creatives"], answer["jobs"]) == (before.pk, 1, 1)
    assert answer["model_version"]["is_active"] is True
    assert model_versions.active() == other
    job = Job.objects.get()
    assert (str(job.pk), job.kind, len(queued)) == (answer["job"], "decide_again", 1)
    back = api.post(f"{VERSIONS}/{before.pk}/activate").json()
    assert (back["before"], back["creatives"]) == (other.pk, 1)
    assert back["job"] != answer["job"]
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert api.post(f"{VERSIONS}/{before.pk}/activate").json()["before"] is None
    assert api.post(f"{VERSIONS}/99999/activate").status_code == 404


def test_only_leads_activate_versions(other: ModelVersion) -> None:
    address = f"{VERSIONS}/{other.pk}/activate"
    assert client_of(Role.VIEWER).get(VERSIONS).status_code == 200
    assert client_of(Role.ANALYST).post(address).status_code == 403
    assert client_of(Role.LEAD).post(address).status_code == 200
