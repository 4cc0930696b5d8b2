"""Serializers of segments, and fields for segment numbers."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from creativefilter.api.core.segments import MERGED_HELP, counted
from creativefilter.api.core.strict_fields import Integer
from creativefilter.creatives.models import Segment, SegmentGroup
from creativefilter.creatives.models.segment import LARGEST_NUMBER

NUMBER_HELP = f"Number of a segment that is in use. {MERGED_HELP}"


class SegmentGroupSerializer(serializers.ModelSerializer[SegmentGroup]):
    """A market whose segments are shown together."""

    class Meta:
        model = SegmentGroup
        fields = ("key", "name", "name_en")


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    """A segment with its criteria. Merged segments are listed by the one that counts for them."""

    group = SegmentGroupSerializer(allow_null=True)
    merged = serializers.SerializerMethodField(
        help_text="Numbers of the segments that were merged into this one."
    )
    retired = serializers.SerializerMethodField(
        help_text="Whether it is out of use: new labels can't have it."
    )

    class Meta:
        model = Segment
        fields = (
            "number", "name", "name_en", "criteria", "criteria_en", "group", "merged", "retired",
        )  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_merged(self, segment: Segment) -> list[int]:
        return [one.number for one in segment.merged.all()]

    def get_retired(self, segment: Segment) -> bool:
        return segment.retired_at is not None


class SegmentNumberField(Integer):
    """The number of a segment for a new label. Its value is the number that counts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST_NUMBER, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        number = super().run_validation(data)
        if number is None:
            return None
        segment = counted(number)
        if segment.retired_at:
            message = _("Segment %s is retired.") % segment.number
            raise serializers.ValidationError(ErrorDetail(message, "retired_segment"))
        return segment.number


class SegmentShareSerializer(serializers.Serializer[Any]):
    """A segment and its probability."""

    segment_num = serializers.IntegerField()
    probability = serializers.FloatField()
