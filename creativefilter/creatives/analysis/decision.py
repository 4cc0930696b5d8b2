"""From what is stored of a creative to a prediction: what every channel knows, weighed together."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from classifier.channels import SCREEN
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.models import MediaVersion, Prediction, ScreenReading

if TYPE_CHECKING:
    from classifier.decision.spot_shape import SpotShape
    from classifier.decision.types import ChannelView, SpotFeatures
    from classifier.text.evidence import Evidence


def reading_of(media: MediaVersion) -> ScreenReading | None:
    """The newest reading of its screen that came about."""
    return media.readings.filter(problem="").first()


def features_of(media: MediaVersion) -> SpotFeatures:
    """What is known of a media version and its creative, as a bundle takes it."""
    import numpy as np

    from classifier.decision.types import SpotFeatures

    transcript = media.transcripts.first()
    reading = reading_of(media)
    creative = media.creative
    return SpotFeatures(
        speech=transcript.speech if transcript and transcript.spoken else "",
        screen=reading.text if reading else "",
        vectors={
            row.encoder: np.frombuffer(row.vector, "<f4").astype(np.float32)
            for row in media.vectors.all()
        },
        shape=_shape_of(media),
        advertiser=creative.advertiser,
        brand=creative.brand,
        media_type=creative.media_type,
    )


def _shape_of(media: MediaVersion) -> SpotShape | None:
    from classifier.decision.spot_shape import NAMES, SpotShape

    # An older program may have measured other things.
    return SpotShape(**media.shape) if set(media.shape) == set(NAMES) else None


def decide(media: MediaVersion) -> Prediction:
    """What the active model version says now, not saved yet. Raises ``ArtefactError``."""
    version = model_versions.active()
    features = features_of(media)
    [said] = engines.bundle(version).predict([features])
    return Prediction(
        creative=media.creative,
        media=media,
        transcript=media.transcripts.first(),
        model_version=version,
        segment_id=said.segment,
        reason="" if said.probabilities else Prediction.Reason.NO_SPEECH,
        probability=said.probability,
        probabilities=_by_text(said.probabilities),
        decision=said.decision,
        conflict=said.conflict,
        channels=[_row(channel, features) for channel in said.channels],
    )


def _row(channel: ChannelView, features: SpotFeatures) -> dict[str, Any]:
    text = features.screen if channel.name == SCREEN else features.speech
    return {
        "name": channel.name,
        "probabilities": _by_text(channel.probabilities),
        "evidence": [_whole_words(word, text) for word in channel.evidence],
        "neighbours": [asdict(neighbour) for neighbour in channel.neighbours],
    }


def _whole_words(found: Evidence, text: str) -> dict[str, Any]:
    """A place in a text, widened to whole words: models speak of stems, people read words."""
    start, end = found.start, found.end
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return {"text": text[start:end], "start": start, "end": end, "weight": found.weight}


def _by_text(probabilities: dict[int, float]) -> dict[str, float]:
    """JSON has no other keys than texts."""
    return {str(number): probability for number, probability in probabilities.items()}


def favourite(channel: dict[str, Any]) -> tuple[int, float] | None:
    """Number and probability of the segment that a row of ``Prediction.channels`` speaks for.

    None for rows of older programs, which name no probabilities.
    """
    probabilities = channel.get("probabilities")
    if not probabilities:
        return None
    number, probability = max(probabilities.items(), key=lambda item: item[1])
    return int(number), probability


def outcome(prediction: Prediction) -> dict[str, Any]:
    """What a job puts out for a program: numbers, the dictionary's name, the reason if none."""
    segment = prediction.segment
    reading = reading_of(prediction.media)
    favourites = [(channel["name"], favourite(channel)) for channel in prediction.channels]
    return {
        "creative": prediction.creative_id,
        "advertisement_id": prediction.creative.advertisement_id,
        "segment_num": segment.number if segment else None,
        "segment": segment.name if segment else None,
        "probability": prediction.probability,
        "decision": prediction.decision,
        "conflict": prediction.conflict,
        "reason": prediction.reason or None,
        "candidates": [
            {"segment_num": number, "probability": probability}
            for number, probability in prediction.candidates()
        ],
        "channels": [
            {"name": name, "segment_num": best[0], "probability": best[1]}
            for name, best in favourites
            if best
        ],
        "transcript": prediction.transcript.speech if prediction.transcript else "",
        "screen_text": reading.text if reading else "",
        "model_version": prediction.model_version.name,
    }
