"""Screen text is read, stored and used; without a reader the job goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.decision.spot_shape import NAMES
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.analysis import jobs as analysis_jobs
from creativefilter.creatives.analysis.decision import features_of
from creativefilter.creatives.models import Creative, MediaVersion, Prediction
from tests import screen_cards as cards
from tests.creatives.analysing import DEMO, MUSIC, SCREEN_ONLY, analysed, run
from tests.screens import needs_reader

pytestmark = [pytest.mark.django_db, needs_reader]
CREDIT_CARD = 12


@pytest.fixture
def film(folders: Path, recogniser: None, tmp_path: Path) -> Path:
    """A film of one second that shows a credit card's name, without a sound track."""
    return cards.make_video(tmp_path / "501.mp4", [cards.paint(cards.CARDS[1], 1)])


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Hide Tesseract until ``undo``."""
    engines.screen_reader.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    return monkeypatch


def media_of(creative: Creative) -> MediaVersion:
    assert creative.current_media is not None
    return creative.current_media


def again(creative: Creative) -> None:
    run(analysis_jobs.analyse_again(creative, None))
    creative.refresh_from_db()
    assert (creative.state, creative.error_code) == (Creative.State.DONE, "")


def test_a_silent_film_is_classified_by_its_screen_text_for_review(film: Path) -> None:
    creative = analysed(film)
    prediction = creative.predictions.get()
    assert prediction.segment_id == CREDIT_CARD
    assert prediction.decision == Prediction.Decision.REVIEW
    assert (prediction.reason, prediction.conflict) == ("", False)
    [channel] = prediction.channels
    assert channel["name"] == "screen"
    reading = media_of(creative).readings.get()
    assert "без процентов" in reading.text
    assert channel["evidence"]
    for word in channel["evidence"]:
        assert reading.text[word["start"] : word["end"]] == word["text"]
    assert creative.job is not None
    assert creative.job.result is not None
    assert creative.job.result["screen_text"] == reading.text
    assert creative.job.result["transcript"] == ""
    [channel] = creative.job.result["channels"]
    assert (channel["name"], channel["segment_num"]) == ("screen", CREDIT_CARD)


def test_lines_have_their_seconds_and_the_engine_its_name(folders: Path, recogniser: None) -> None:
    media = media_of(analysed(DEMO / SCREEN_ONLY))
    reading = media.readings.get()
    assert "tesseract" in reading.engine
    assert reading.problem == ""
    assert [line["text"] for line in reading.lines] == reading.text.split("\n")
    times = [line["seconds"] for line in reading.lines]
    assert times == sorted(times)
    assert times[0] < 2 < 4 < times[-1]  # three cards share the seven seconds
    assert all(line["seconds"] <= line["last_seen"] <= 7 for line in reading.lines)


@pytest.mark.weights
def test_the_shape_of_the_spot_is_measured(folders: Path, recogniser: None) -> None:
    music, shown = (media_of(analysed(DEMO / name)) for name in (MUSIC, SCREEN_ONLY))
    assert not music.readings.exists()
    for media in (music, shown):
        assert set(media.shape) == set(NAMES)
        assert media.shape["seconds"] == pytest.approx(7, abs=0.1)
        # Recognisers invent words in music, which do not count as speech.
        assert media.shape["speech_share"] == 0
        assert -21 < media.shape["loudness"] < -18
    assert (music.shape["has_video"], shown.shape["has_video"]) == (False, True)
    assert shown.shape["aspect"] == pytest.approx(640 / 360)
    shape = features_of(shown).shape
    assert shape is not None
    assert shape.loudness == shown.shape["loudness"]


def test_without_a_reader_the_job_goes_on_and_stores_the_reason(
    film: Path, blind: pytest.MonkeyPatch
) -> None:
    creative = analysed(film)
    assert (creative.state, creative.error_code) == (Creative.State.DONE, "")
    assert media_of(creative).readings.get().problem == "no_screen_reader"
    assert creative.predictions.get().reason == Prediction.Reason.NO_SPEECH
    again(creative)
    assert media_of(creative).readings.count() == 1

    blind.undo()
    again(creative)
    assert creative.predictions.first().segment_id == CREDIT_CARD  # type: ignore[union-attr]


def test_an_equal_screen_reading_is_not_stored_twice_and_is_kept_without_a_reader(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    creative = analysed(film)
    again(creative)
    assert media_of(creative).readings.count() == 1
    engines.screen_reader.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    again(creative)
    assert media_of(creative).readings.get().problem == ""
    assert {row.segment_id for row in creative.predictions.all()} == {CREDIT_CARD}
