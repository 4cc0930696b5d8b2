"""Exactly one version is active: the starter, unless a user activated another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from classifier.segments import NUMBERS
from creativefilter.creatives import model_versions
from creativefilter.creatives.models import ModelVersion, Segment
from creativefilter.creatives.segments import changes
from creativefilter.site.codes import CodedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """A copy of the starter with another manifest, and so another version."""
    copy = tmp_path / "model"
    shutil.copytree(settings.STARTER_MODEL, copy)
    change(copy)
    return copy


def change(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")


def test_a_fresh_database_has_the_starter_model_active() -> None:
    starter = model_versions.active()
    assert starter.folder == "classifier/starter_model"
    assert starter.metrics["macro_f1_valid"] > 0.8
    assert Path(model_versions.path(starter)).is_dir()


def test_the_starter_is_registered_once_however_often_the_application_starts() -> None:
    before = model_versions.active()
    assert model_versions.ensure_starter() == model_versions.ensure_starter() == before
    assert list(ModelVersion.objects.all()) == [before]


def test_a_start_leaves_an_activated_version_active(folder: Path) -> None:
    chosen = model_versions.register_folder(folder)
    model_versions.activate(chosen)
    model_versions.ensure_starter()
    assert model_versions.active() == chosen


def with_segments(folder: Path, *numbers: int) -> ModelVersion:
    """Register a version of which the manifest names these segments."""
    manifest = folder / "manifest.json"
    content = json.loads(manifest.read_text())
    content["facts"]["segments"] = numbers
    manifest.write_text(json.dumps(content))
    return model_versions.register_folder(folder)


def test_the_segments_of_a_version_are_those_of_its_manifest(folder: Path) -> None:
    assert model_versions.segments_of(model_versions.active()) == NUMBERS
    version = with_segments(folder, 0, 3, 19)
    assert model_versions.segments_of(version) == (0, 3, 19)
    (folder / "manifest.json").write_text("no manifest")
    assert model_versions.segments_of(version) == ()


def test_a_version_that_predicts_unknown_segments_is_not_activated(folder: Path) -> None:
    before, version = model_versions.active(), with_segments(folder, 0, 19, 21)
    with pytest.raises(CodedError, match=r"19, 21") as refused:
        model_versions.activate(version)
    assert refused.value.code == "unknown_segments"
    assert model_versions.active() == before
    for number in (19, 21):
        changes.save(Segment(number=number, name=f"новый {number}", group_id="banks"))
    model_versions.activate(version)
    assert model_versions.active() == version


def test_a_newer_starter_takes_over_from_an_older_one(folder: Path, settings: Any) -> None:
    settings.STARTER_MODEL = folder
    older = model_versions.ensure_starter()
    model_versions.activate(older)
    change(folder)
    newer = model_versions.ensure_starter()
    assert newer != older
    assert model_versions.active() == newer


def test_a_model_folder_is_identified_by_its_manifest(folder: Path) -> None:
    first = model_versions.register_folder(folder)
    assert model_versions.register_folder(folder) == first
    change(folder)
    assert model_versions.register_folder(folder) != first


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        model_versions.register_folder(tmp_path)


def test_exactly_one_version_is_active(folder: Path) -> None:
    starter = model_versions.active()
    other = model_versions.register_folder(folder)
    assert not other.is_active
    model_versions.activate(other)
    assert list(ModelVersion.objects.filter(is_active=True)) == [other]
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=starter.pk).update(is_active=True)


def test_without_an_active_version_there_is_an_error() -> None:
    ModelVersion.objects.update(is_active=False)
    with pytest.raises(model_versions.NoActiveModelError):
        model_versions.active()
