"""Serializers of responses about model versions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.addresses import address
from creativefilter.creatives.models import ModelVersion


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    """A model version. At most one is active; its predictions count."""

    url = serializers.SerializerMethodField()
    predictions = serializers.IntegerField(
        source="used", help_text="How many predictions it has made."
    )
    metrics = serializers.SerializerMethodField(
        help_text="Figures that were measured when it was trained, such as `macro_f1_grouped`, the "
        "macro-F1 on creatives without near duplicates in its training data, and `ece_grouped`, "
        "the expected calibration error on them."
    )

    class Meta:
        model = ModelVersion
        fields = (
            "id", "url", "name", "digest", "is_active", "created_at", "predictions", "metrics"
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_url(self, version: ModelVersion) -> str:
        return address(self, "model-version", version.pk)

    @extend_schema_field(serializers.DictField(child=serializers.FloatField()))
    def get_metrics(self, version: ModelVersion) -> dict[str, float]:
        numbers = version.metrics.items()
        return {name: float(one) for name, one in numbers if isinstance(one, int | float)}


class ActivatedSerializer(serializers.Serializer[Any]):
    """The outcome of activating a model version."""

    model_version = ModelVersionSerializer()
    before = serializers.IntegerField(
        allow_null=True,
        help_text="Number of the version that was active before: activate it to go back. Null if "
        "there was none, or if it is the same version.",
    )
    job = serializers.UUIDField(
        allow_null=True, help_text="The job that decides them again; null if there are none."
    )
    creatives = serializers.IntegerField(
        help_text="Number of creatives that are decided again, because they have no prediction of "
        "this version, or one by other settings."
    )
    jobs = serializers.IntegerField(
        help_text="The same as `creatives`. Kept for older programs: there is one job for all."
    )
