"""Serializers of responses about predictions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.channels import CHANNELS
from creativefilter.api.core.addresses import address
from creativefilter.api.core.segments import name_of
from creativefilter.api.core.sparse_fields import LongFields
from creativefilter.api.predictions.rows import LONG
from creativefilter.api.segments.serializers import SegmentShareSerializer
from creativefilter.creatives.analysis.decision import favourite
from creativefilter.creatives.models import Prediction
from creativefilter.creatives.segments.directory import UNMERGED, Directory


class EvidenceSerializer(serializers.Serializer[Any]):
    """Words that contributed to a prediction: their place in the channel's text, and weight."""

    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    weight = serializers.FloatField()


class NeighbourSerializer(serializers.Serializer[Any]):
    """A labelled creative whose picture vector is among the nearest."""

    creative = serializers.CharField(
        source="id", help_text="Its number when the model was trained."
    )
    segment_num = serializers.IntegerField(source="segment")
    similarity = serializers.FloatField()


class ChannelPredictionSerializer(serializers.Serializer[Any]):
    """The segment that one channel predicts by itself, with the evidence for it."""

    name = serializers.ChoiceField(CHANNELS)
    segment_num = serializers.IntegerField(allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    evidence = EvidenceSerializer(
        many=True,
        allow_null=True,
        help_text="Null if it was not computed, because all creatives were predicted at once.",
    )
    neighbours = NeighbourSerializer(many=True, allow_null=True, help_text="Null like `evidence`.")


def shares_of(probabilities: dict[str, float], directory: Directory) -> list[dict[str, Any]]:
    """Return the segments of a prediction, the most probable first.

    Args:
        probabilities: Probability by segment number, as a prediction stores it.
        directory: The merges to apply.
    """
    shares = directory.merged_shares(probabilities)
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return [{"segment_num": number, "probability": share} for number, share in ranked]


def channel_predictions(channels: list[dict[str, Any]], directory: Directory) -> Any:
    """Return the serialized predictions of the channels.

    Args:
        channels: ``Prediction.channels``.
        directory: The merges to apply.
    """
    rows = []
    for channel in channels:
        best = favourite(channel, directory) or (None, None)
        none_found: list[Any] | None = [] if {"evidence", "neighbours"} & channel.keys() else None
        neighbours = none_found
        if "neighbours" in channel:
            neighbours = [
                {**one, "segment": directory.counted_number(one["segment"])}
                for one in channel["neighbours"]
            ]
        rows.append(
            {
                "name": channel["name"],
                "segment_num": best[0],
                "probability": best[1],
                "evidence": channel.get("evidence", none_found),
                "neighbours": neighbours,
            }
        )
    return ChannelPredictionSerializer(rows, many=True).data


class PredictionSerializer(LongFields, serializers.ModelSerializer[Prediction]):
    """The prediction of a model version about a creative.

    What the version computed never changes. If leads set another target precision or mix of
    segments, the decision, and with a mix also segment and probabilities, are computed again.
    Merged segments are named as they were.

    `probabilities` and `channels` are left out of lists unless `?fields=` names them.
    """

    url = serializers.SerializerMethodField()
    creative_url = serializers.SerializerMethodField()
    segment_num = serializers.IntegerField(source="segment_id", allow_null=True)
    segment = serializers.SerializerMethodField(help_text="Its name in the dictionary.")
    decision = serializers.ChoiceField(Prediction.Decision.values)
    threshold = serializers.FloatField(
        allow_null=True,
        help_text="The smallest probability of an automatic decision for the channels of the "
        "creative; null if there is none, or if the prediction was made by version 0.2.0 or older.",
    )
    target_precision = serializers.FloatField(
        source="parameters.settings.precision",
        default=None,
        allow_null=True,
        help_text="The precision that the threshold promises.",
    )
    mix = serializers.SerializerMethodField(
        help_text="Whether a mix of segments that leads have set is taken into account."
    )
    reason = serializers.SerializerMethodField(help_text="Why there is no segment.")
    model_version_name = serializers.CharField(source="model_version.name")
    probabilities = serializers.SerializerMethodField()
    channels = serializers.SerializerMethodField()

    class Meta:
        model = Prediction
        fields = (
            "id", "url", "creative", "creative_url", "media", "segment_num", "segment",
            "probability", "decision", "threshold", "target_precision", "mix", "conflict",
            "reason", "model_version",
            "model_version_name", "created_at", "probabilities", "channels",
        )  # fmt: skip
        read_only_fields = fields
        long_fields = LONG

    @extend_schema_field(serializers.URLField())
    def get_url(self, prediction: Prediction) -> str:
        return address(self, "prediction", prediction.pk)

    @extend_schema_field(serializers.URLField())
    def get_creative_url(self, prediction: Prediction) -> str:
        return address(self, "creative", prediction.creative_id)

    def get_segment(self, prediction: Prediction) -> str | None:
        return name_of(prediction.segment_id)

    def get_mix(self, prediction: Prediction) -> bool:
        return prediction.parameters is not None and bool(prediction.parameters.settings.mix)

    @extend_schema_field(serializers.ChoiceField(Prediction.Reason.choices, allow_null=True))
    def get_reason(self, prediction: Prediction) -> str | None:
        return prediction.reason or None

    @extend_schema_field(SegmentShareSerializer(many=True))
    def get_probabilities(self, prediction: Prediction) -> list[dict[str, Any]]:
        return shares_of(prediction.probabilities, UNMERGED)

    @extend_schema_field(ChannelPredictionSerializer(many=True))
    def get_channels(self, prediction: Prediction) -> Any:
        return channel_predictions(prediction.channels, UNMERGED)
