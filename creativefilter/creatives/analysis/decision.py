"""Predictions from stored transcripts, screen readings and vectors; results of analysis jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from classifier.channels import SCREEN
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.models import MediaVersion, Prediction, ScreenReading
from creativefilter.creatives.segments.directory import UNMERGED, Directory

if TYPE_CHECKING:
    from classifier.decision.spot_shape import SpotShape
    from classifier.decision.types import ChannelView, SpotFeatures
    from classifier.text.evidence import Evidence


def reading_of(media: MediaVersion) -> ScreenReading | None:
    """Return the newest screen reading without a problem."""
    return media.readings.filter(problem="").first()


def features_of(media: MediaVersion) -> SpotFeatures:
    """Collect the features of a media version and its creative for a bundle."""
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

    # Older versions measured other values.
    return SpotShape(**media.shape) if set(media.shape) == set(NAMES) else None


def decide(media: MediaVersion) -> Prediction:
    """Predict by the active model version; the row is not saved.

    Raises:
        ArtefactError: the model folder is damaged.
        NoActiveModelError: no model version is active.
    """
    version = model_versions.active()
    features = features_of(media)
    [prediction] = engines.bundle(version).predict([features])
    return Prediction(
        creative=media.creative,
        media=media,
        transcript=media.transcripts.first(),
        model_version=version,
        segment_id=prediction.segment,
        reason="" if prediction.probabilities else Prediction.Reason.NO_SPEECH,
        probability=prediction.probability,
        probabilities=_by_text(prediction.probabilities),
        decision=prediction.decision,
        conflict=prediction.conflict,
        channels=[_row(channel, features) for channel in prediction.channels],
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
    """Widen evidence to whole words: models name parts of words, people read whole ones."""
    start, end = found.start, found.end
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return {"text": text[start:end], "start": start, "end": end, "weight": found.weight}


def _by_text(probabilities: dict[int, float]) -> dict[str, float]:
    """Convert the keys to text, as JSON requires."""
    return {str(number): probability for number, probability in probabilities.items()}


def candidates(
    prediction: Prediction, directory: Directory = UNMERGED, count: int = 3
) -> list[tuple[int, float]]:
    """Return the most probable segment numbers with their probabilities, best first."""
    shares = directory.merged_shares(prediction.probabilities)
    return sorted(shares.items(), key=lambda item: -item[1])[:count]


def favourite(channel: dict[str, Any], directory: Directory = UNMERGED) -> tuple[int, float] | None:
    """Return number and probability of the most probable segment of a row of ``channels``.

    None if the row has no probabilities, as rows of older versions.
    """
    shares = directory.merged_shares(channel.get("probabilities") or {})
    return max(shares.items(), key=lambda item: item[1]) if shares else None


def outcome(prediction: Prediction) -> dict[str, Any]:
    """Return the result of an analysis job as plain JSON values, for programs."""
    directory = Directory.read()
    number = prediction.segment_id
    segment = None if number is None else directory.counted(number)
    reading = reading_of(prediction.media)
    favourites = [
        (channel["name"], favourite(channel, directory)) for channel in prediction.channels
    ]
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
            for number, probability in candidates(prediction, directory)
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
