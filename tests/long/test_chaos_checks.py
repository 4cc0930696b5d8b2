"""The harness of ``make chaos``: its plan contains every fault, its checks find corruption."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    ModelVersion,
    Prediction,
    Segment,
)
from creativefilter.jobs.models import Job
from tests.long.chaos import checks, faults, material

TRANSCRIPTS = 2


@pytest.fixture(scope="module")
def sample_material(tmp_path_factory: pytest.TempPathFactory) -> material.Material:
    return material.make(tmp_path_factory.mktemp("material"), seed=7, creatives=4, rows=50)


@pytest.fixture
def good_run(
    db: None, sample_material: material.Material, monkeypatch: pytest.MonkeyPatch, settings: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Database as after a run without errors, except for spend, which is empty."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(checks, "TRANSCRIPTS", TRANSCRIPTS)
    monkeypatch.setattr(checks, "_money", lambda material: [])
    monkeypatch.setattr(checks, "_doctor", lambda site: [])
    # A second version beside the starter, which the migrations create.
    version = ModelVersion.objects.create(name="trained", digest="trained", folder="trained")
    ids = [*sample_material.ids, *(str(material.FIRST_TRANSCRIPT + n) for n in range(TRANSCRIPTS))]
    for number, advertisement_id in enumerate(ids):
        creative = Creative.objects.create(
            advertisement_id=advertisement_id, name=advertisement_id, state=Creative.State.DONE
        )
        media = MediaVersion.objects.create(creative=creative, sha256=str(number), size=1)
        Prediction.objects.create(creative=creative, media=media, model_version=version)
        if number >= sample_material.archived:
            Label.objects.create(creative=creative, segment=Segment.objects.first())
    action = AuditEntry.Action
    for each in (action.SPEND_IMPORTED, *2 * [action.LABELS_SET], action.LABELS_IMPORTED):
        AuditEntry.objects.create(action=each)


def _lose() -> None:
    Creative.objects.earliest("pk").delete()


def _lose_file() -> None:
    MediaVersion.objects.filter(pk=MediaVersion.objects.first().pk).update(  # type: ignore[union-attr]
        file="creatives/aa/gone.wav"
    )


def _fail() -> None:
    Creative.objects.update(state=Creative.State.FAILED)


def _predict_twice() -> None:
    prediction = Prediction.objects.first()
    assert prediction
    prediction.pk = None
    prediction.save()


def _label_twice() -> None:
    label = Label.objects.first()
    assert label
    label.pk = None
    label.save()


def _train_twice() -> None:
    ModelVersion.objects.create(name="c", digest="c", folder="c")


def _forget_audit() -> None:
    AuditEntry.objects.first().delete()  # type: ignore[union-attr]


def test_a_good_run_has_no_findings(good_run: None, sample_material: material.Material) -> None:
    assert checks.check(None, sample_material) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("corrupt", "word"),
    [
        (_lose, "lost creatives"),
        (_lose_file, "is gone"),
        (_fail, "is failed"),
        (_predict_twice, "2 predictions"),
        (_label_twice, "labels instead of"),
        (_train_twice, "3 model versions"),
        (_forget_audit, "audit log"),
    ],
)
def test_each_corruption_is_found(
    good_run: None, sample_material: material.Material, corrupt: Any, word: str
) -> None:
    corrupt()
    assert any(word in sentence for sentence in checks.check(None, sample_material))  # type: ignore[arg-type]


@pytest.mark.django_db
def test_spend_that_differs_from_the_material_is_found(sample_material: material.Material) -> None:
    assert any("0 rows" in sentence for sentence in checks._money(sample_material))
    assert sample_material.spend_amount > Decimal(0)


@pytest.mark.django_db
def test_stuck_jobs_and_unexpected_error_codes_are_found() -> None:
    now = timezone.now()
    common = {"kind": "analyse", "stage": "speech", "started_at": now, "finished_at": now}
    Job.objects.create(state=Job.State.RUNNING, **common)
    assert len(checks.stuck()) == 1
    Job.objects.create(state=Job.State.FAILED, error_code="storage_full", **common)
    minute = timedelta(minutes=1)
    assert len(checks.reasons([(now - minute, now, ("worker_lost",))])) == 1
    assert len(checks.reasons([(now + minute, now + 2 * minute, ("storage_full",))])) == 1
    harm = [(now - minute, now, ("storage_full",))]
    assert checks.reasons(harm) == []
    # A process whose clock was an hour behind, or ahead, has written the times.
    for hours in (-1, 1):
        wrong = now + timedelta(hours=hours)
        Job.objects.update(started_at=wrong, finished_at=wrong)
        assert checks.reasons(harm) == []


@pytest.mark.parametrize("site", ["embedded", "postgresql"])
def test_a_plan_contains_each_fault_once_and_depends_on_the_seed_only(site: str) -> None:
    names = [each.fault.name for each in faults.plan(site, 3, rounds=1)]
    assert sorted(names) == sorted(f.name for f in faults.FAULTS if site in f.sites)
    assert faults.plan(site, 3, rounds=1) == faults.plan(site, 3, rounds=1)
    assert names != [each.fault.name for each in faults.plan(site, 4, rounds=1)]
