"""Decisions on stored transcripts and screen readings, together and alone, without files."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from creativefilter.creatives import decision_settings
from creativefilter.creatives.analysis.decision import features_of
from creativefilter.creatives.analysis.stages import ANALYSE
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    PictureVector,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.jobs import lifecycle, stage_runner
from tests.creatives.analysing import run

pytestmark = pytest.mark.django_db
CARD = "Кредитная карта, целый год без процентов на любые покупки. Закажите кредитную карту."
CARD_SCREEN = "Кредитная карта\n120 дней без процентов"
DOUBTFUL = "Магазин. Приходите за покупками."
DELIVERY = "Яндекс Лавка\nдоставка продуктов на дом\nскидка 30% на первый заказ по промокоду"


def creative_of(speech: str = "", screen: str = "", spoken: bool = True, **fields: Any) -> Creative:
    """Create an analysed creative without a file, with these texts."""
    creative = Creative.objects.create(name="1.mp4", state=Creative.State.DONE, **fields)
    digest = hashlib.sha256(f"{speech}{screen}".encode()).hexdigest()
    media = MediaVersion.objects.create(creative=creative, sha256=digest, size=0)
    if speech:
        Transcript.objects.create(
            media=media, engine="e", model="m", text=speech, speech=speech, spoken=spoken,
            seconds_taken=1,
        )  # fmt: skip
    if screen:
        ScreenReading.objects.create(media=media, engine="e", text=screen, seconds_taken=1)
    creative.current_media = media
    creative.save()
    return creative


def decided(creative: Creative) -> Prediction:
    """Run only the last stage; return the newest prediction."""
    params = {"creative": creative.pk, "media": creative.current_media_id}
    [job] = lifecycle.create_at_last_stage(ANALYSE, [params], None)
    Creative.objects.filter(pk=creative.pk).update(job=job, state=Creative.State.QUEUED)
    assert stage_runner.run_stage(str(job.pk), job.stage, "test") is None
    creative.refresh_from_db()
    assert creative.state == Creative.State.DONE
    return creative.predictions.first()  # type: ignore[return-value]


def names(prediction: Prediction) -> list[str]:
    return sorted(channel["name"] for channel in prediction.channels)


def test_speech_and_screen_that_agree_decide_together() -> None:
    prediction = decided(creative_of(CARD, CARD_SCREEN))
    assert (prediction.segment_id, prediction.decision) == (12, "auto")
    assert not prediction.conflict
    assert names(prediction) == ["screen", "speech"]
    for channel in prediction.channels:
        assert sum(channel["probabilities"].values()) == pytest.approx(1)
        assert max(channel["probabilities"], key=channel["probabilities"].get) == "12"


def test_speech_and_screen_that_contradict_call_for_a_person() -> None:
    prediction = decided(creative_of(CARD, DELIVERY))
    assert prediction.conflict
    assert prediction.decision == Prediction.Decision.REVIEW


def test_screen_text_alone_is_enough_to_decide() -> None:
    prediction = decided(creative_of(screen=CARD_SCREEN))
    assert (prediction.segment_id, prediction.transcript) == (12, None)
    assert names(prediction) == ["screen"]


def test_text_that_is_not_speech_is_ignored() -> None:
    creative = creative_of("ДИНАМИЧНАЯ МУЗЫКА", CARD_SCREEN, spoken=False)
    assert names(decided(creative)) == ["screen"]


def test_a_reading_that_failed_does_not_hide_the_one_before() -> None:
    creative = creative_of(CARD, CARD_SCREEN)
    ScreenReading.objects.create(
        media=creative.current_media, problem="no_screen_reader", seconds_taken=0
    )
    assert features_of(creative.current_media).screen == CARD_SCREEN  # type: ignore[arg-type]


def test_the_bundle_gets_all_stored_features() -> None:
    creative = creative_of(CARD, CARD_SCREEN, advertiser="А", brand="Б", media_type="TV")
    media = creative.current_media
    assert media is not None
    vector = np.array([0.5, -2.25], "<f4")
    PictureVector.objects.create(media=media, encoder="some encoder", vector=vector.tobytes())
    features = features_of(MediaVersion.objects.get(pk=media.pk))
    assert (features.speech, features.screen) == (CARD, CARD_SCREEN)
    assert (features.advertiser, features.brand, features.media_type) == ("А", "Б", "TV")
    assert features.vectors["some encoder"].tolist() == [0.5, -2.25]
    assert features.vectors["some encoder"].dtype == np.float32
    assert features.shape is None


def test_without_a_file_all_stages_succeed() -> None:
    """A retried job starts again from its first stage, also without a file."""
    creative = creative_of(CARD)
    params = {"creative": creative.pk, "media": creative.current_media_id}
    job = run(lifecycle.create(ANALYSE, params))
    assert (job.state, job.error_code) == ("done", "")
    assert creative.predictions.get().segment_id == 12
    assert Transcript.objects.count() == 1
    assert not ScreenReading.objects.exists()


def test_the_target_precision_setting_moves_the_threshold() -> None:
    creative = creative_of(DOUBTFUL)
    found = {}
    for precision in (0.5, 0.999):
        decision_settings.change(precision, None, None)
        found[precision] = decided(creative)
        Prediction.objects.all().delete()
    assert found[0.5].probabilities == found[0.999].probabilities
    assert (found[0.5].decision, found[0.999].decision) == ("auto", "review")


def test_the_segment_mix_setting_moves_the_probabilities() -> None:
    creative = creative_of(DOUBTFUL)
    before = decided(creative).probabilities
    Prediction.objects.all().delete()
    mix = {int(number): 1000.0 if number == "0" else 1.0 for number in before}
    decision_settings.change(0.95, mix, None)
    after = decided(creative).probabilities
    assert after["0"] > before["0"] + 0.1
    assert sum(after.values()) == pytest.approx(1)
