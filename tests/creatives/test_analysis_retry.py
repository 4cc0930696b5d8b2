"""Jobs that failed for a reason outside the file can be retried from the first stage."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives import model_versions
from creativefilter.creatives.models import Creative
from creativefilter.jobs import lifecycle, stage_runner
from tests.creatives.analysing import DEMO, SPOKEN, SPOKEN_SEGMENT, analysed, effective, run

pytestmark = [pytest.mark.django_db, pytest.mark.weights]


def damaged_model(folder: Path, starter: Path) -> Path:
    """Copy the starter with one byte of its weights changed: they do not match the manifest."""
    shutil.copytree(starter, folder)
    weights = folder / "text" / "weights.npz"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    return folder


def test_a_damaged_model_fails_the_job_and_the_transcript_stays(
    folders: Path, recogniser: None, tmp_path: Path, settings: Any
) -> None:
    starter = model_versions.active()
    folder = damaged_model(tmp_path / "model", Path(settings.STARTER_MODEL))
    model_versions.activate(model_versions.register_folder(folder))
    creative = analysed(DEMO / SPOKEN)
    assert (creative.state, creative.error_code) == (Creative.State.FAILED, "no_model")
    media = creative.current_media
    assert media is not None
    assert media.transcripts.get().spoken

    model_versions.activate(starter)
    assert creative.job is not None
    again = lifecycle.retry(creative.job)
    assert again is not None
    assert again.stage == "decoding"
    run(again)
    creative.refresh_from_db()
    assert (creative.state, creative.error_code) == (Creative.State.DONE, "")
    assert effective(creative).effective_segment == SPOKEN_SEGMENT


def test_a_retried_creative_does_not_show_its_old_error_while_it_is_worked_on(
    folders: Path,
) -> None:
    creative = analysed(b"no film", "1.avi")
    assert creative.error_code == "not_media"
    media = creative.current_media
    assert media is not None
    Path(media.file.path).write_bytes((DEMO / SPOKEN).read_bytes())
    assert creative.job is not None
    again = lifecycle.retry(creative.job)
    assert again is not None
    stage_runner.run_stage(str(again.pk), again.stage, "test")
    creative.refresh_from_db()
    assert (creative.state, creative.error_code) == (Creative.State.DECODING, "")
