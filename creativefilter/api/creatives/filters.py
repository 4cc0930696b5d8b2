"""Which creatives somebody means: the filters of the list, also in the body of a request."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django_filters.utils import translate_validation
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core import filters
from creativefilter.api.core.strict_fields import Number, Truth, Whole, Word
from creativefilter.creatives.channel_names import FORMER_STATES
from creativefilter.creatives.models import Creative, Prediction, ScreenReading, Transcript

LONGEST_SEARCH = 200


class StatesField(django_filters.fields.MultipleChoiceField):
    """States; those of older programs are understood."""

    def clean(self, value: Any) -> Any:
        return super().clean([FORMER_STATES.get(one, one) for one in value or []])


class States(filters.AnyOf):
    field_class = StatesField


class StateWord(Word):
    """As ``StatesField``, in the body of a request."""

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(
            FORMER_STATES.get(data, data) if isinstance(data, str) else data
        )


class CreativeFilters(django_filters.FilterSet):
    """Of ``Creative.objects.with_effective_segment()``. Whatever is repeated means any of them."""

    state = States(Creative.State.values)
    segment = filters.Segments(
        field_name="effective_segment",
        label="Number of the effective segment: the label, else the prediction; or `none`.",
    )
    predicted_segment = filters.Segments(
        field_name="predicted_segment", label="Number of what the active model says; or `none`."
    )
    label_segment = filters.Segments(
        field_name="label_segment", label="Number of what a person said last; or `none`."
    )
    reviewed = filters.Truth(method="by_label", label="Whether a person's label stands.")
    decision = filters.OneOf(
        Prediction.Decision.values,
        label="Whether the active model was sure (`auto`) or asks for a person (`review`).",
    )
    conflict = filters.Truth(
        method="by_conflict", label="Whether the channels contradict each other."
    )
    probability_min = filters.Share(field_name="probability", lookup_expr="gte")
    probability_max = filters.Share(field_name="probability", lookup_expr="lte")
    model_version = filters.RowNumber(
        method="by_version", label="Number of a model version that has judged it."
    )
    advertisement_id = filters.Texts(max_length=64)
    advertiser = filters.Texts(max_length=255)
    brand = filters.Texts(max_length=255)
    media_type = filters.Texts(max_length=64)
    is_demo = filters.Truth(label="Whether it belongs to the demonstration.")
    created_from = filters.Moment(field_name="created_at", lookup_expr="gte")
    created_to = filters.Moment(
        field_name="created_at", lookup_expr="lt", label="Added before that."
    )
    search = extend_schema_field(
        {"type": "string", "maxLength": LONGEST_SEARCH, "pattern": filters.NO_NUL}
    )(
        django_filters.CharFilter(
            method="by_words",
            max_length=LONGEST_SEARCH,
            label="Words that all occur in its ID, its name, or what is said or shown in it.",
        )
    )

    class Meta:
        model = Creative
        fields: list[str] = []

    def by_label(self, rows: QuerySet[Any], name: str, value: bool | None) -> QuerySet[Any]:
        return rows if value is None else rows.filter(label_segment__isnull=not value)

    def by_conflict(self, rows: QuerySet[Any], name: str, value: bool | None) -> QuerySet[Any]:
        if value is None:
            return rows
        return rows.filter(
            Exists(Prediction.objects.filter(pk=OuterRef("prediction"), conflict=value))
        )

    def by_version(self, rows: QuerySet[Any], name: str, value: int) -> QuerySet[Any]:
        judged = Prediction.objects.filter(creative=OuterRef("pk"), model_version=value)
        return rows.filter(Exists(judged))

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        of_media = {"media": OuterRef("current_media")}
        for word in value.split():
            rows = rows.filter(
                Q(advertisement_id__icontains=word)
                | Q(name__icontains=word)
                | Exists(Transcript.objects.filter(**of_media, speech__icontains=word))
                | Exists(ScreenReading.objects.filter(**of_media, text__icontains=word))
            )
        return rows


def _texts(longest: int) -> serializers.ListField:
    return serializers.ListField(
        child=filters.Text(max_length=longest),
        required=False,
        max_length=filters.MOST_VALUES,
    )


def _segments() -> serializers.ListField:
    return serializers.ListField(
        child=Word(filters.SEGMENTS_OR_NONE),
        required=False,
        max_length=len(filters.SEGMENTS_OR_NONE),
    )


class CreativeFilterSerializer(filters.FilterSerializer):
    """The filters of the list of creatives: all of them have to hold."""

    state = serializers.ListField(
        child=StateWord(Creative.State.choices), required=False, max_length=8
    )
    segment = _segments()
    predicted_segment = _segments()
    label_segment = _segments()
    reviewed = Truth(required=False)
    decision = serializers.ChoiceField(Prediction.Decision.values, required=False)
    conflict = Truth(required=False)
    probability_min = Number(required=False, min_value=0, max_value=1)
    probability_max = Number(required=False, min_value=0, max_value=1)
    model_version = Whole(required=False, min_value=1, max_value=filters.LARGEST)
    advertisement_id = _texts(64)
    advertiser = _texts(255)
    brand = _texts(255)
    media_type = _texts(64)
    is_demo = Truth(required=False)
    created_from = serializers.DateTimeField(required=False)
    created_to = serializers.DateTimeField(required=False)
    search = filters.Text(required=False, max_length=LONGEST_SEARCH)


def creatives_of(asked: dict[str, Any]) -> QuerySet[Creative]:
    """The creatives that validated data of ``CreativeFilterSerializer`` means."""
    query = QueryDict(mutable=True)
    for name, value in asked.items():
        for one in value if isinstance(value, list) else [value]:
            query.appendlist(name, one.isoformat() if hasattr(one, "isoformat") else str(one))
    found = CreativeFilters(query, Creative.objects.with_effective_segment())
    if not found.is_valid():
        raise translate_validation(found.errors)
    return found.qs
