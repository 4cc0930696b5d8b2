"""A creative with neither speech nor screen text gets no segment."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import translation

from creativefilter.creatives.models import Creative, Prediction
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from tests.creatives.analysing import DEMO, MUSIC, analysed, effective
from tests.samples import make_media

pytestmark = [pytest.mark.django_db, pytest.mark.weights]


def test_music_alone_gets_no_segment_and_a_reason(folders: Path, recogniser: None) -> None:
    creative = analysed(DEMO / MUSIC)
    prediction = creative.predictions.get()
    assert (creative.state, creative.error_code) == (Creative.State.DONE, "")
    assert prediction.segment is None
    assert prediction.reason == Prediction.Reason.NO_SPEECH
    assert prediction.probability is None
    assert prediction.probabilities == {}
    assert prediction.channels == []
    assert (prediction.decision, prediction.conflict) == (Prediction.Decision.REVIEW, False)
    row = effective(creative)
    assert (row.effective_segment, row.reason) == (None, "no_speech")
    assert creative.job is not None
    assert creative.job.state == Job.State.DONE
    assert creative.job.result is not None
    assert creative.job.result["segment"] is None
    assert creative.job.result["reason"] == "no_speech"
    assert creative.job.result["candidates"] == creative.job.result["channels"] == []
    assert creative.job.result["decision"] == "review"


def test_a_film_without_a_sound_track_is_no_error(
    folders: Path, recogniser: None, tmp_path: Path
) -> None:
    creative = analysed(make_media(tmp_path / "1234.mp4", 2, audio=None))
    assert creative.state == Creative.State.DONE
    assert effective(creative).reason == "no_speech"


def test_the_reason_is_a_sentence_in_both_languages() -> None:
    with translation.override("en"):
        english = sentence(Prediction.Reason.NO_SPEECH)
    with translation.override("ru"):
        russian = sentence(Prediction.Reason.NO_SPEECH)
    assert english.startswith("There is no speech")
    assert russian != english
