"""Filters that select creatives, in the list and in mass actions."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from creativefilter.api.core.advertisement_ids import AdvertisementIdsFilter
from creativefilter.api.core.filters import FilterSerializer, Segments
from creativefilter.api.core.segments import MERGED_HELP
from creativefilter.api.core.strict_fields import (
    AnyOf,
    Boolean,
    Choice,
    DateTime,
    Number,
    RowNumber,
    Text,
    Texts,
)
from creativefilter.creatives.channel_names import FORMER_STATES
from creativefilter.creatives.ids import normal_or_given
from creativefilter.creatives.models import Creative, Prediction, ScreenReading, Transcript

LONGEST_SEARCH = 200


class States(AnyOf):
    """Filter by any of several states. The names of states in earlier releases work, too."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list):
            data = [FORMER_STATES.get(one, one) if isinstance(one, str) else one for one in data]
        return super().to_internal_value(data)


class CreativeFilterSerializer(FilterSerializer):
    """Filters of creatives, combined with AND."""

    state = States(Creative.State.choices, source="state__in")
    segment = Segments(
        source="effective_segment",
        help_text="Number of the effective segment: the label, else the prediction; or `none`. "
        + MERGED_HELP,
    )
    predicted_segment = Segments(
        help_text="Number of the segment that the active version predicts, or `none`."
    )
    label_segment = Segments(help_text="Number of the segment of the newest label, or `none`.")
    reviewed = Boolean(required=False, help_text="Whether a person's label counts.")
    decision = Choice(
        Prediction.Decision.values,
        required=False,
        help_text="Whether the active model was sure (`auto`) or asks for a person (`review`).",
    )
    conflict = Boolean(required=False, help_text="Whether the channels contradict each other.")
    probability_min = Number(required=False, min_value=0, max_value=1, source="probability__gte")
    probability_max = Number(required=False, min_value=0, max_value=1, source="probability__lte")
    model_version = RowNumber(
        required=False,
        help_text="Number of a model version that has a prediction for the creative.",
    )
    advertisement_id = AdvertisementIdsFilter(source="advertisement_id__in")
    advertiser = Texts(255, source="advertiser__in")
    brand = Texts(255, source="brand__in")
    media_type = Texts(64, source="media_type__in")
    is_demo = Boolean(required=False, help_text="Whether it belongs to the demonstration.")
    is_exam = Boolean(
        required=False,
        help_text="Whether it is in the exam set. Neither choice has creatives for which `is_exam` "
        "is null.",
    )
    created_from = DateTime(required=False, source="created_at__gte")
    created_to = DateTime(
        required=False, source="created_at__lt", help_text="Added before this time."
    )
    search = Text(
        required=False,
        allow_blank=True,
        max_length=LONGEST_SEARCH,
        help_text="Words that all occur in its ID, its name, or what is said or shown in it.",
    )

    def by_reviewed(self, rows: QuerySet[Any], value: bool) -> QuerySet[Any]:
        return rows.filter(label_segment__isnull=not value)

    def by_conflict(self, rows: QuerySet[Any], value: bool) -> QuerySet[Any]:
        predictions = Prediction.objects.filter(pk=OuterRef("prediction"), conflict=value)
        return rows.filter(Exists(predictions))

    def by_model_version(self, rows: QuerySet[Any], value: int) -> QuerySet[Any]:
        predictions = Prediction.objects.filter(creative=OuterRef("pk"), model_version=value)
        return rows.filter(Exists(predictions))

    def by_search(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        of_media = {"media": OuterRef("current_media")}
        words = Q()
        for word in value.split():
            words &= (
                Q(advertisement_id__icontains=word)
                | Q(name__icontains=word)
                | Exists(Transcript.objects.filter(**of_media, speech__icontains=word))
                | Exists(ScreenReading.objects.filter(**of_media, text__icontains=word))
            )
        # "0004297908" and "№ 4297908" find 4297908.
        return rows.filter(words | Q(advertisement_id=normal_or_given(value))) if words else rows


def creatives_of(asked: dict[str, Any]) -> QuerySet[Creative]:
    """Return the creatives that pass the filters.

    Args:
        asked: Validated data of ``CreativeFilterSerializer``.
    """
    return CreativeFilterSerializer().narrow(Creative.objects.with_effective_segment(), asked)
