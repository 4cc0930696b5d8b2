"""Serializers of segments, and fields for segment numbers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from classifier.segments import SEGMENTS
from creativefilter.api.core.filters import SEGMENT_NUMBERS
from creativefilter.creatives.models import Segment

NAMES = {segment.number: segment.name for segment in SEGMENTS}
NUMBER_HELP = "Number of a segment."


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    class Meta:
        model = Segment
        fields = ("number", "name", "name_en", "criteria", "criteria_en")


class SegmentNumberField(serializers.ChoiceField):
    """The number of a segment in the analysts' dictionary."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=SEGMENT_NUMBERS, **options)

    def to_internal_value(self, data: Any) -> Any:
        # ``ChoiceField`` also accepts true as 1 and "3" as 3.
        if type(data) is not int:
            self.fail("invalid_choice", input=str(data)[:64])
        return super().to_internal_value(data)


class SegmentShareSerializer(serializers.Serializer[Any]):
    """A segment and its probability."""

    segment_num = serializers.IntegerField()
    probability = serializers.FloatField()
