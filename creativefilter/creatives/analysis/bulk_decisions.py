"""Predictions and decisions of many creatives at once, without evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creativefilter.creatives.analysis.decision import features_of_many
from creativefilter.creatives.analysis.rule_in_force import RuleInForce
from creativefilter.creatives.models import (
    DecisionInputs,
    DecisionParameters,
    MediaVersion,
    Prediction,
    Transcript,
)

# What ``decided`` and its callers read of a prediction; the last two are the inputs.
COLUMNS = ("pk", "segment", "decision", "inputs__values", "inputs__mask")

Columns = tuple[int | None, float | None, str, bool, float | None]
"""Segment, probability, decision, conflict and threshold of a prediction."""


def decided(rows: Sequence[Any], rule: RuleInForce) -> list[Columns]:
    """Decide on stored inputs.

    Args:
        rows: Rows of predictions that end with the values of ``COLUMNS``.
        rule: The rule by which to decide.
    """
    from classifier.decision.rule import Inputs

    numbers = rule.parameters.numbers
    inputs = Inputs.unpack([(bytes(row[-2]), row[-1]) for row in rows], numbers)
    return _columns(inputs, rule)


def _columns(inputs: Any, rule: RuleInForce) -> list[Columns]:
    import numpy as np

    from classifier.decision.rule import decide

    found = decide(inputs, rule.parameters)
    segments = np.array(rule.parameters.numbers)[found.columns].tolist()
    return [
        (segment if mask else None, confidence if mask else None,
         Prediction.Decision.AUTO.value if automatic else Prediction.Decision.REVIEW.value,
         conflict, threshold if mask and threshold < np.inf else None)
        for mask, segment, confidence, automatic, conflict, threshold in zip(
            inputs.masks().tolist(), segments, found.confidence.tolist(),
            found.automatic.tolist(), found.conflict.tolist(), found.thresholds.tolist(),
            strict=True,
        )
    ]  # fmt: skip


def predict(keys: Sequence[int], rule: RuleInForce) -> list[tuple[Prediction, DecisionInputs]]:
    """Predict media versions without evidence; return rows that are not saved.

    Args:
        keys: Keys of the media versions; those that do not exist any more are left out.
        rule: The rule by which to decide.

    Raises:
        ArtefactError: The folder of the version is damaged.
    """
    bundle = rule.bundle()
    needed = ("shape", "creative__advertiser", "creative__brand", "creative__media_type")
    found = MediaVersion.objects.select_related("creative").only(*needed).filter(pk__in=keys)
    media = list(found.order_by("pk"))
    if not media:
        return []
    transcripts = dict(
        Transcript.objects.filter(media__in=media).order_by("pk").values_list("media", "pk")
    )
    inputs = bundle.inputs(features_of_many(media, bundle.encoder))
    rows = zip(media, inputs.pack(), inputs.masks().tolist(), _columns(inputs, rule), strict=True)
    return [
        (
            Prediction(
                creative_id=one.creative_id,
                media_id=one.pk,
                transcript_id=transcripts.get(one.pk),
                model_version=rule.version,
                segment_id=segment,
                reason="" if mask else Prediction.Reason.NO_SPEECH,
                probability=probability,
                decision=decision,
                conflict=conflict,
                threshold=threshold,
            ),
            DecisionInputs(mask=mask, values=values),
        )
        for one, values, mask, (segment, probability, decision, conflict, threshold) in rows
    ]


def save(rows: Sequence[tuple[Prediction, DecisionInputs]], parameters: DecisionParameters) -> None:
    """Save predictions and their inputs."""
    for prediction, _inputs in rows:
        prediction.parameters = parameters
    Prediction.objects.bulk_create([prediction for prediction, _inputs in rows])
    for prediction, inputs in rows:
        inputs.prediction = prediction
    DecisionInputs.objects.bulk_create([inputs for _prediction, inputs in rows])
