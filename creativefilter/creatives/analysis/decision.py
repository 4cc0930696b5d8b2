"""Predictions from stored transcripts, screen readings and vectors; results of analysis jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from classifier.channels import SCREEN
from creativefilter.creatives.analysis.rule_in_force import RuleInForce, rule_in_force
from creativefilter.creatives.models import (
    DecisionInputs,
    MediaVersion,
    PictureVector,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.creatives.segments.directory import UNMERGED, Directory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.decision.spot_shape import SpotShape
    from classifier.decision.types import ChannelView, SpotFeatures
    from classifier.text.evidence import Evidence


def reading_of(media: MediaVersion) -> ScreenReading | None:
    """Return the newest screen reading without a problem."""
    return media.readings.filter(problem="").first()


def features_of(media: MediaVersion) -> SpotFeatures:
    """Collect the features of a media version and its creative for a bundle."""
    return features_of_many([media])[0]


def features_of_many(
    media: Sequence[MediaVersion], encoder: str | None = None
) -> list[SpotFeatures]:
    """Collect the features of media versions, by as many queries for a thousand as for one.

    Args:
        media: The media versions, with their creatives.
        encoder: Name of the encoder whose picture vectors are needed; None for all.
    """
    import numpy as np

    from classifier.decision.types import SpotFeatures

    transcripts = Transcript.objects.filter(media__in=media).order_by("pk")
    speech = {
        key: text if spoken else ""
        for key, text, spoken in transcripts.values_list("media", "speech", "spoken")
    }
    readings = ScreenReading.objects.filter(media__in=media, problem="").order_by("pk")
    screen = dict(readings.values_list("media", "text"))
    found = PictureVector.objects.filter(media__in=media)
    if encoder is not None:
        found = found.filter(encoder=encoder)
    vectors: dict[int, dict[str, NDArray[np.float32]]] = defaultdict(dict)
    for key, name, vector in found.values_list("media", "encoder", "vector"):
        vectors[key][name] = np.frombuffer(vector, "<f4").astype(np.float32)
    return [
        SpotFeatures(
            speech=speech.get(one.pk, ""),
            screen=screen.get(one.pk, ""),
            vectors=vectors.get(one.pk, {}),
            shape=_shape_of(one),
            advertiser=one.creative.advertiser,
            brand=one.creative.brand,
            media_type=one.creative.media_type,
        )
        for one in media
    ]


def _shape_of(media: MediaVersion) -> SpotShape | None:
    from classifier.decision.spot_shape import NAMES, SpotShape

    # Older versions measured other values.
    return SpotShape(**media.shape) if set(media.shape) == set(NAMES) else None


@dataclass(frozen=True, slots=True)
class Decided:
    """A prediction and its inputs, neither saved, and the rule by which it was decided."""

    prediction: Prediction
    inputs: DecisionInputs
    rule: RuleInForce

    def save(self) -> Prediction:
        """Save copies, so that a failed transaction can be repeated; return the prediction."""
        prediction, inputs = copy(self.prediction), copy(self.inputs)
        prediction.parameters = self.rule.row()
        prediction.save()
        inputs.prediction = prediction
        inputs.save(force_insert=True)
        return prediction


def decide(media: MediaVersion) -> Decided:
    """Predict by the active model version and the current settings; nothing is saved.

    Raises:
        ArtefactError: the model folder is damaged.
        NoActiveModelError: no model version is active.
    """
    rule = rule_in_force()
    features = features_of(media)
    [prediction] = rule.bundle().predict([features])
    row = Prediction(
        creative=media.creative,
        media=media,
        transcript=media.transcripts.first(),
        model_version=rule.version,
        segment_id=prediction.segment,
        reason="" if prediction.probabilities else Prediction.Reason.NO_SPEECH,
        probability=prediction.probability,
        decision=prediction.decision,
        conflict=prediction.conflict,
        threshold=prediction.threshold,
    )
    evidence = {one.name: evidence_of(one, features) for one in prediction.channels}
    inputs = DecisionInputs(mask=prediction.mask, values=prediction.inputs, evidence=evidence)
    return Decided(row, inputs, rule)


def evidence_of(channel: ChannelView, features: SpotFeatures) -> dict[str, Any]:
    """Return the evidence of a channel as ``DecisionInputs.evidence`` has it."""
    text = features.screen if channel.name == SCREEN else features.speech
    return {
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
        "threshold": prediction.threshold,
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
