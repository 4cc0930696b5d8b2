"""Picture vectors are stored; without an encoder the stage does nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creativefilter.creatives.analysis import engines
from creativefilter.creatives.analysis import jobs as analysis_jobs
from creativefilter.creatives.analysis.decision import features_of
from creativefilter.creatives.models import Creative, MediaVersion, PictureVector
from tests import screen_cards as cards
from tests.creatives.analysing import analysed, run
from tests.samples import make_media

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ENCODER = "efficientnet-lite0"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Drop the cached encoder, which other settings may have chosen."""
    engines.picture_encoder.cache_clear()
    yield
    engines.picture_encoder.cache_clear()


def media_of(creative: Creative) -> MediaVersion:
    assert (creative.state, creative.current_media is None) == (Creative.State.DONE, False)
    return creative.current_media  # type: ignore[return-value]


def test_each_film_gets_one_vector_and_other_media_none(
    folders: Path,
    recogniser: None,
    tmp_path: Path,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All in one test: the encoder takes seconds to load."""
    settings.PICTURES_ENCODER = ENCODER
    films = [
        cards.make_video(tmp_path / f"{number}.mp4", [cards.ground(number, (320, 180), light)])
        for number, light in ((601, 60), (602, 60), (603, 255))
    ]
    creatives = [analysed(film) for film in films]
    vectors = [features_of(media_of(one)).vectors for one in creatives]
    assert [list(found) for found in vectors] == [[ENCODER]] * 3
    dark, dark_too, light = (found[ENCODER] for found in vectors)
    assert dark.shape == (1280,)
    assert np.linalg.norm(dark) == pytest.approx(1, abs=1e-5)
    assert dark @ dark_too > dark @ light

    run(analysis_jobs.analyse_again(creatives[0], None))
    assert PictureVector.objects.count() == 3
    sound = analysed(make_media(tmp_path / "604.wav", 1))
    assert features_of(media_of(sound)).vectors == {}

    engines.picture_encoder.cache_clear()
    settings.PICTURES_ENCODER = "/no such folder"
    with caplog.at_level(logging.WARNING):
        for number in (605, 606):
            film = cards.make_video(
                tmp_path / f"{number}.mp4", [cards.ground(number, (320, 180))], seconds=0.5
            )
            assert features_of(media_of(analysed(film))).vectors == {}
    assert caplog.text.count("/no such folder") == 1


def test_without_the_setting_no_encoder_is_loaded(
    folders: Path, recogniser: None, tmp_path: Path, settings: Any
) -> None:
    settings.PICTURES_ENCODER = ""
    assert engines.picture_encoder() is None
    film = cards.make_video(tmp_path / "601.mp4", [cards.ground(1, (320, 180))], seconds=0.5)
    assert features_of(media_of(analysed(film))).vectors == {}
