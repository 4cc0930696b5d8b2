"""manage.py train: trains a version from labels; activation is separate and reversible."""

from __future__ import annotations

import fcntl
import io
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, execute_from_command_line
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from creativefilter.accounts import roles
from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import redecision
from creativefilter.creatives.families import exam_set
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    ModelVersion,
    Prediction,
    Segment,
    Transcript,
)
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from creativefilter.training import admin as training_admin
from creativefilter.training import new_version
from creativefilter.training.management.commands import train as train_command
from tests.conftest import ROOT, database_url

WORDS = {
    0: "скидка яблоки сыр кефир цена магазин рублей молоко акция гречка",
    12: "кредитная карта лимит проценты грейс льготный период покупки банк снятие",
    16: "колонка голосовой помощник включи свет умный дом будильник станция алиса",
}
COMMON = "сегодня для вас каждый день вместе очень просто только теперь здесь снова ваш новый"


@pytest.fixture(autouse=True)
def models(settings: Any, tmp_path: Path) -> Path:
    """The folder of new versions, in this test's temporary folder."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "models"


def create_labelled_creatives(count: int, *, demo: bool = False) -> None:
    """Create transcribed, labelled creatives of three segments."""
    dice = random.Random(count)
    for number in range(count):
        segment = (0, 12, 16)[number % 3]
        words = dice.choices(WORDS[segment].split(), k=4) + dice.choices(COMMON.split(), k=9)
        dice.shuffle(words)
        text = " ".join(words)
        creative = Creative.objects.create(
            advertisement_id=f"{count}{number:04}",
            name="x",
            state=Creative.State.DONE,
            is_demo=demo,
        )
        media = MediaVersion.objects.create(creative=creative, sha256=f"{count}-{number}", size=0)
        Transcript.objects.create(
            media=media, engine="imported", model="t", text=text, speech=text, spoken=True,
            seconds_taken=0,
        )  # fmt: skip
        Creative.objects.filter(pk=creative.pk).update(current_media=media)
        Label.objects.create(creative=creative, segment=Segment.objects.get(pk=segment))


def train(*words: str) -> str:
    output = io.StringIO()
    call_command("train", *words, stdout=output, stderr=io.StringIO())
    return output.getvalue()


def run_queued_jobs() -> None:
    for job in Job.objects.filter(state=Job.State.QUEUED):
        assert stage_runner.run_stage(str(job.pk), job.stage, "test") is None


@pytest.mark.django_db
def test_training_registers_a_version_and_compares_it_with_the_active_one(models: Path) -> None:
    create_labelled_creatives(75)
    create_labelled_creatives(9, demo=True)
    active = model_versions.active()
    output = train()
    version = ModelVersion.objects.exclude(pk=active.pk).get()
    assert model_versions.active() == active
    assert not Job.objects.exists()
    assert str(version) in output
    assert Path(model_versions.path(version)).parent == models
    from creativefilter.training.facts import facts_of

    facts = facts_of(version)
    exam = Creative.objects.real().filter(is_exam=True).count()
    assert 50 <= facts["training"]["creatives"] <= 75 - exam
    assert version.metrics["macro_f1_grouped"] == facts["evaluation"]["macro_f1"] > 0
    assert version.metrics["exam"]["count"] <= exam


@pytest.mark.django_db
def test_labels_are_used_whatever_the_queue_does() -> None:
    create_labelled_creatives(75)
    Creative.objects.update(state=Creative.State.QUEUED)
    # Never analysed, and analysed without a result.
    for name in ("1", "2"):
        creative = Creative.objects.create(advertisement_id=name, state=Creative.State.QUEUED)
        Label.objects.create(creative=creative, segment_id=0)
    media = MediaVersion.objects.create(creative=creative, sha256="x", size=0)
    Creative.objects.filter(pk=creative.pk).update(current_media=media)
    Transcript.objects.create(media=media, spoken=False, seconds_taken=0)
    with override("en"):
        output = train()
    first = output.splitlines()[0]
    used, exam = map(
        int,
        re.match(
            r"Labels used: (\d+) of 77\. In the exam set, by which versions are compared: (\d+)\. ",
            first,
        ).groups(),
    )
    assert used + exam == 75
    assert first.endswith(
        "Creatives that are not analysed yet: 1. "
        "Creatives without speech, text on the screen or pictures that are used: 1."
    )


@pytest.mark.django_db
def test_activation_classifies_again_and_is_reversible(analyst: User) -> None:
    create_labelled_creatives(75)
    starter = model_versions.active()
    redecision.decide_again(None)
    run_queued_jobs()
    train("--activate")
    trained = model_versions.active()
    assert trained != starter
    assert Job.objects.get(state=Job.State.QUEUED).params["total"] == 75
    run_queued_jobs()
    assert Prediction.objects.filter(model_version=trained).count() == 75
    client = Client()
    client.force_login(analyst)
    back = reverse("admin:creatives_modelversion_activate_version", args=[starter.pk])
    assert client.post(back, {"_form_submitted": "True"}).headers["HX-Redirect"]
    assert model_versions.active() == starter
    assert not Job.objects.filter(state=Job.State.QUEUED).exists()
    assert Prediction.objects.filter(model_version=trained).count() == 75


@pytest.mark.django_db
def test_repeated_training_without_new_labels_does_nothing(models: Path) -> None:
    create_labelled_creatives(75)
    train()
    # The folders are named by the second.
    [first] = [path for path in models.iterdir() if path.is_dir()]
    first.rename(models / "first")
    ModelVersion.objects.filter(is_active=False).update(folder=str(models / "first"))
    with override("en"):
        assert "Nothing has changed since " in train()
    assert ModelVersion.objects.filter(is_active=False).count() == 1
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["first"]
    # Training again repairs a version whose folder is damaged.
    (models / "first" / "text" / "weights.npz").unlink()
    train()
    [version] = ModelVersion.objects.filter(is_active=False)
    assert Path(version.folder) in models.iterdir()
    assert Path(version.folder).name != "first"


@pytest.mark.django_db
def test_training_goes_on_without_an_active_version_that_is_damaged(models: Path) -> None:
    create_labelled_creatives(75)
    train("--activate")
    damaged = model_versions.active()
    (Path(damaged.folder) / "text" / "weights.npz").unlink()
    extra = Creative.objects.filter(is_exam=False).first()
    assert extra
    Label.objects.create(creative=extra, segment_id=0)
    train()
    assert ModelVersion.objects.order_by("-pk")[0].pk > damaged.pk


@pytest.mark.django_db
def test_figures_on_the_exam_set_are_stored_and_shown(
    analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creativefilter.training.labelled_creatives.LEAST_EXAM", 5)
    create_labelled_creatives(75)
    with override("en"):
        output = train()
    version = ModelVersion.objects.get(is_active=False)
    stored = version.metrics["exam"]
    exam = Creative.objects.filter(is_exam=True).count()
    assert 5 <= stored["count"] <= exam
    assert stored["new"]["rows"] == stored["old"]["rows"] == stored["count"]
    assert f"Compared on {stored['count']} creatives of the exam set" in output
    assert "active before, on the same creatives" in output
    client = Client(headers={"accept-language": "en"})
    client.force_login(analyst)
    page = client.get(reverse("admin:creatives_modelversion_change", args=[version.pk]))
    assert "this version, exam set" in page.content.decode()


@pytest.mark.django_db
def test_training_without_figures_ends_well() -> None:
    """The ancestor has learned all labels, so that no prediction of it is out of fold."""
    create_labelled_creatives(75)
    train()
    first = ModelVersion.objects.get(is_active=False)
    model_versions.choose_ancestor(first)
    taught = Creative.objects.filter(is_exam=False).first()
    assert taught
    Label.objects.create(creative=taught, segment=None)
    with override("en"):
        output = train("--activate")
    assert "No comparison is possible yet" in output
    assert model_versions.active() not in (first, None)
    assert "macro_f1_grouped" not in model_versions.active().metrics


@pytest.mark.django_db
def test_comparison_that_was_interrupted_is_made_by_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    create_labelled_creatives(75)
    with monkeypatch.context() as patched:
        patched.setattr(new_version, "compare", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train()
    assert "exam" not in ModelVersion.objects.get(is_active=False).metrics
    with override("en"):
        assert "Nothing has changed since" in train()
    assert "exam" in ModelVersion.objects.get(is_active=False).metrics


@pytest.mark.django_db
def test_lead_chooses_the_ancestor_of_the_next_version() -> None:
    lead = User.objects.create_user("lead", is_staff=True)
    roles.assign(lead, roles.Role.LEAD)
    create_labelled_creatives(75)
    train()
    first = ModelVersion.objects.get(is_active=False)
    client = Client()
    client.force_login(lead)
    choose = reverse("admin:creatives_modelversion_choose_ancestor", args=[first.pk])
    assert client.post(choose, {"_form_submitted": "True"}).headers["HX-Redirect"]
    assert model_versions.ancestor() == first
    assert model_versions.active() != first
    entry = AuditEntry.objects.get(action=AuditEntry.Action.ANCESTOR_CHOSEN)
    assert (entry.actor_name, entry.subject) == (lead.username, str(first))
    create_labelled_creatives(60)
    train()
    from creativefilter.training.facts import facts_of

    newest = ModelVersion.objects.order_by("-pk")[0]
    assert facts_of(newest)["origin"]["ancestor"] == first.digest


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["command", "page"])
def test_activation_is_undone_if_no_jobs_can_be_created(
    analyst: User, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def interrupted(owner: User | None) -> None:
        raise KeyboardInterrupt

    active = model_versions.active()
    if way == "command":
        create_labelled_creatives(75)
        monkeypatch.setattr(train_command, "decide_again", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train("--activate")
    else:
        other = ModelVersion.objects.create(name="other", digest="d" * 64, folder="x")
        monkeypatch.setattr(training_admin, "decide_again", interrupted)
        client = Client()
        client.force_login(analyst)
        address = reverse("admin:creatives_modelversion_activate_version", args=[other.pk])
        with pytest.raises(KeyboardInterrupt):
            client.post(address, {"_form_submitted": "True"})
    assert model_versions.active() == active


@pytest.mark.django_db
def test_error_for_too_few_labels_states_how_many_there_are() -> None:
    create_labelled_creatives(12)
    exam_set.assign_unassigned()
    taught = Creative.objects.filter(is_exam=False).count()
    with pytest.raises(CommandError, match=f": {taught}, "):
        train()
    assert ModelVersion.objects.count() == 1


@pytest.mark.django_db
def test_second_training_at_the_same_time_is_refused(models: Path) -> None:
    create_labelled_creatives(75)
    models.mkdir()
    with (models / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with override("en"), pytest.raises(CommandError, match="Another training is running"):
            train()
    assert ModelVersion.objects.count() == 1


@pytest.mark.stack
@pytest.mark.django_db(transaction=True)
def test_killed_training_changes_nothing_and_the_next_one_removes_leftovers(
    tmp_path: Path, models: Path
) -> None:
    model_versions.ensure_starter()
    create_labelled_creatives(75)
    active = model_versions.active()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "train", "--activate"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "3/6" in line:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    assert model_versions.active() == active
    assert ModelVersion.objects.count() == 1
    # A folder such as a killed training leaves behind; the next training removes it.
    (models / ".half-left").mkdir()
    train("--activate")
    assert model_versions.active() != active
    assert {path.name for path in models.iterdir() if path.name != ".lock"} == {
        Path(model_versions.active().folder).name
    }


@pytest.mark.django_db
def test_training_interrupted_at_its_end_leaves_no_version(
    models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def register_folder(folder: Path) -> None:
        assert (folder / "manifest.json").is_file()
        os.kill(os.getpid(), signal.SIGINT)

    create_labelled_creatives(75)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setattr(model_versions, "register_folder", register_folder)
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "train", "--activate"])
    assert ended.value.code == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "Interrupted. No model version was made."
    assert ModelVersion.objects.count() == 1
    assert [path.name for path in models.iterdir()] == [".lock"]


@pytest.mark.django_db
def test_version_page_shows_figures(analyst: User) -> None:
    create_labelled_creatives(75)
    train()
    version = ModelVersion.objects.exclude(is_active=True).get()
    client = Client(headers={"accept-language": "en"})
    client.force_login(analyst)
    page = client.get(reverse("admin:creatives_modelversion_change", args=[version.pk]))
    text = page.content.decode()
    assert "Trained on " in text
    assert "Labels used: " in text
    assert "Its text model " in text
    assert "No comparison is possible yet: " in text
    figures = reverse("admin:training_version_figures", args=[version.pk])
    assert figures in text
    charts = client.get(figures).content.decode()
    assert "plotly" in charts
    assert "12 · " in charts


@pytest.mark.django_db
def test_version_page_without_a_folder_says_that_figures_are_unreadable(analyst: User) -> None:
    version = ModelVersion.objects.create(name="gone", digest="0" * 64, folder="/nowhere")
    client = Client(headers={"accept-language": "en"})
    client.force_login(analyst)
    page = client.get(reverse("admin:creatives_modelversion_change", args=[version.pk]))
    assert "The figures of this version can&#x27;t be read." in page.content.decode()
    figures = reverse("admin:training_version_figures", args=[version.pk])
    assert client.get(figures).status_code == 404
