"""A newly activated version predicts all creatives again, from stored transcripts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.models import Creative, MediaVersion, Prediction, Transcript
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job

pytestmark = pytest.mark.django_db

SPEECH = "Кредитная карта, целый год без процентов на любые покупки."


@pytest.fixture
def judged() -> Creative:
    """A creative with a transcript and a prediction of the starter."""
    creative = Creative.objects.create(name="1.wav", state=Creative.State.DONE)
    media = MediaVersion.objects.create(creative=creative, sha256="0" * 64, size=1)
    Transcript.objects.create(
        media=media, engine="e", model="m", text=SPEECH, speech=SPEECH, spoken=True, seconds_taken=1
    )
    Creative.objects.filter(pk=creative.pk).update(current_media=media)
    run_queued()
    return Creative.objects.get(pk=creative.pk)


@pytest.fixture
def another(tmp_path: Path, settings: Any) -> Path:
    """A copy of the starter in another folder with another manifest."""
    folder = tmp_path / "another"
    shutil.copytree(settings.STARTER_MODEL, folder)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    return folder


def run(job: Job) -> None:
    assert stage_runner.run_stage(str(job.pk), job.stage, "test") is None


def run_queued() -> Job:
    """Queue the job that decides creatives again, and run it."""
    queued = decide_again(None)
    assert queued is not None
    run(queued.job)
    queued.job.refresh_from_db()
    return queued.job


def test_only_creatives_that_the_active_version_has_not_predicted_are_predicted(
    judged: Creative, another: Path
) -> None:
    assert decide_again(None) is None
    version = model_versions.register_folder(another)
    model_versions.activate(version)
    queued = decide_again(None)
    assert queued is not None
    assert (queued.creatives, queued.job.urgency) == (1, Job.Urgency.LONG)
    judged.refresh_from_db()
    assert judged.state == Creative.State.DONE
    run(queued.job)
    queued.job.refresh_from_db()
    assert (queued.job.state, queued.job.result["predicted"]) == (Job.State.DONE, 1)
    judged.refresh_from_db()
    assert judged.state == Creative.State.DONE
    assert Transcript.objects.count() == 1
    named = list(Prediction.objects.order_by("pk").values_list("model_version", "segment"))
    assert [segment for _, segment in named] == [12, 12]
    assert named[1][0] == version.pk
    assert decide_again(None) is None


def test_a_version_whose_folder_was_replaced_decides_nothing(
    judged: Creative, another: Path
) -> None:
    version = model_versions.register_folder(another)
    model_versions.activate(version)
    (another / "manifest.json").write_text((another / "manifest.json").read_text() + "\n")
    job = run_queued()
    assert (job.state, job.error_code) == (Job.State.FAILED, "no_model")
    judged.refresh_from_db()
    assert judged.state == Creative.State.DONE


def test_activation_in_the_admin_asks_first_and_then_predicts_again(
    judged: Creative, another: Path, client: Client, analyst: User, broker: Any
) -> None:
    version = model_versions.register_folder(another)
    client.force_login(analyst)
    address = reverse("admin:creatives_modelversion_activate_version", args=[version.pk])
    assert client.get(address).status_code == 200
    assert model_versions.active() != version
    answer = client.post(address, {"_form_submitted": "True"})
    assert answer.headers["HX-Redirect"] == reverse("admin:creatives_modelversion_changelist")
    assert model_versions.active() == version
    assert Job.objects.filter(state=Job.State.QUEUED, kind="decide_again").count() == 1


def test_demonstration_creatives_are_removed_only_after_confirmation(
    judged: Creative, client: Client, analyst: User
) -> None:
    demo = Creative.objects.create(name="demo.wav", is_demo=True)
    client.force_login(analyst)
    address = reverse("admin:creatives_creative_remove_demo")
    client.get(address)
    assert Creative.objects.filter(pk=demo.pk).exists()
    client.post(address, {"_form_submitted": "True"})
    assert list(Creative.objects.all()) == [judged]
