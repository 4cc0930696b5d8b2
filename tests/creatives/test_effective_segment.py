"""Effective segment: the newest label, else the newest prediction of the active version."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import jobs as analysis_jobs
from creativefilter.creatives.intake import receiving
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, ModelVersion, Segment
from tests.creatives.analysing import DEMO, SPOKEN, SPOKEN_SEGMENT, analysed, effective, run

pytestmark = [pytest.mark.django_db, pytest.mark.weights]


@pytest.fixture
def creative(folders: Path, recogniser: None) -> Creative:
    return analysed(DEMO / SPOKEN)


@pytest.fixture
def newer(tmp_path: Path, settings: Any) -> ModelVersion:
    """Another model version that can be activated: the same weights under another manifest."""
    folder = tmp_path / "newer"
    shutil.copytree(settings.STARTER_MODEL, folder)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    return model_versions.register_folder(folder)


def segment(number: int) -> Segment:
    return Segment.objects.get(pk=number)


def test_a_label_goes_before_the_prediction_which_stays(creative: Creative) -> None:
    set_label(creative, segment(3), None)
    row = effective(creative)
    assert (row.effective_segment, row.label_segment) == (3, 3)
    assert row.predicted_segment == SPOKEN_SEGMENT
    assert creative.predictions.get().segment_id == SPOKEN_SEGMENT


def test_the_newest_label_wins(creative: Creative) -> None:
    for number in (3, 0, 18):
        set_label(creative, segment(number), None)
    assert effective(creative).effective_segment == 18


def test_segment_zero_is_a_label_like_any_other(creative: Creative) -> None:
    set_label(creative, segment(0), None)
    assert effective(creative).effective_segment == 0


def test_a_withdrawn_label_falls_back_to_the_prediction(creative: Creative) -> None:
    set_label(creative, segment(3), None)
    set_label(creative, None, None)
    row = effective(creative)
    assert (row.effective_segment, row.label_segment) == (SPOKEN_SEGMENT, None)


def test_the_label_of_one_creative_is_not_that_of_another(creative: Creative) -> None:
    other = Creative.objects.create(name="other")
    set_label(other, segment(3), None)
    assert effective(creative).effective_segment == SPOKEN_SEGMENT
    assert effective(other).effective_segment == 3


def test_an_older_version_decides_until_the_active_one_has(
    creative: Creative, newer: ModelVersion
) -> None:
    older = model_versions.active()
    model_versions.activate(newer)
    assert effective(creative).effective_segment == SPOKEN_SEGMENT
    assert effective(creative).prediction == creative.predictions.get().pk
    run(analysis_jobs.analyse_again(creative, None))
    assert effective(creative).effective_segment == SPOKEN_SEGMENT
    assert [p.model_version for p in creative.predictions.all()] == [newer, older]
    creative.predictions.filter(model_version=newer).update(segment=segment(1))
    assert effective(creative).effective_segment == 1
    model_versions.activate(older)
    assert effective(creative).effective_segment == SPOKEN_SEGMENT


def test_known_bytes_are_not_answered_by_an_inactive_model_version(
    creative: Creative, newer: ModelVersion
) -> None:
    model_versions.activate(newer)
    again = receiving.receive(creative.current_media.file, creative.name)  # type: ignore[union-attr]
    assert again.known
    assert not again.job.is_final
    job = run(again.job)
    assert job.result is not None
    assert job.result["model_version"] == newer.name
