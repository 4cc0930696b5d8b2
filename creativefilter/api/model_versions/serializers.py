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
    predictions = serializers.IntegerField(source="used", help_text="How many it has made.")
    metrics = serializers.SerializerMethodField(
        help_text="What it is worth, as measured when it was trained: `macro_f1_grouped` is the "
        "macro-F1 on creatives of which it knew no near duplicates, `ece_grouped` the expected "
        "calibration error there, and so on."
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
        allow_null=True, help_text="The version that decided until now; activate it to go back."
    )
    job = serializers.UUIDField(
        allow_null=True, help_text="The job that decides them again; null if there are none."
    )
    creatives = serializers.IntegerField(
        help_text="Creatives that the version has not judged yet, or judged by other settings."
    )
    jobs = serializers.IntegerField(
        help_text="The same as `creatives`. Kept for older programs: there is one job for all."
    )
