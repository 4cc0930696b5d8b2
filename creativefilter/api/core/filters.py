"""Filters of lists that refuse what they can't read, instead of passing over it.

A filter that is silently left out answers with the wrong rows. Texts with NUL and numbers that no
column holds are refused here, too: some databases fail on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import filters, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from classifier.segments import NUMBERS

# The largest number of a row.
LARGEST = 2**63 - 1
# Values of one parameter: an address has to hold them.
MOST_VALUES = 100
NO_NUL = r"^[^\x00]*$"
NONE = "none"
SEGMENT_NUMBERS = [(number, number) for number in NUMBERS]
SEGMENTS_OR_NONE = [NONE, *map(str, NUMBERS)]
_TRUTH = {"true": True, "false": False}
_NO_NUL = ProhibitNullCharactersValidator()
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Said:
    """Mixin of form fields: what is said without a value is wrong, not absent."""

    def clean(self, value: Any) -> Any:
        if value == "":
            raise ValidationError(_("It must not be blank."), code="blank")
        return super().clean(value)  # type: ignore[misc]


class NumberField(Said, forms.IntegerField):
    """A whole number."""


class ShareField(Said, forms.FloatField):
    """A number."""


class ChoiceField(Said, django_filters.fields.ChoiceField):
    """One of some words."""


class TruthField(forms.Field):
    """``true`` or ``false``."""

    default_error_messages = {"invalid": _("Must be true or false.")}

    def to_python(self, value: Any) -> bool | None:
        if value is None:
            return None
        if str(value).lower() not in _TRUTH:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return _TRUTH[str(value).lower()]


@extend_schema_field(OpenApiTypes.BOOL)
class Truth(django_filters.Filter):
    field_class = TruthField


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST})
class RowNumber(django_filters.Filter):
    """The number of a row, from 1."""

    field_class = NumberField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=LARGEST, **kwargs)


@extend_schema_field({"type": "number", "minimum": 0, "maximum": 1})
class Share(django_filters.Filter):
    """A number from 0 to 1."""

    field_class = ShareField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=0, max_value=1, **kwargs)


class TextsField(forms.Field):
    """A parameter that may be repeated."""

    widget = forms.SelectMultiple

    def __init__(self, *args: Any, max_length: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_length = max_length

    def clean(self, value: Any) -> list[str]:
        texts = [str(text) for text in value or []]
        if len(texts) > MOST_VALUES:
            raise ValidationError(
                _("No more than %(most)d values."), "too_many", {"most": MOST_VALUES}
            )
        for text in texts:
            _NO_NUL(text)
            if len(text) > self.max_length:
                raise ValidationError(
                    _("No longer than %(most)d characters."),
                    "max_length",
                    {"most": self.max_length},
                )
        return texts


class Texts(django_filters.Filter):
    """Any of the texts that the parameter, repeated, gives."""

    field_class = TextsField

    def __init__(self, *args: Any, max_length: int, **kwargs: Any) -> None:
        super().__init__(*args, max_length=max_length, lookup_expr="in", **kwargs)
        item = {"type": "string", "maxLength": max_length, "pattern": NO_NUL}
        extend_schema_field({"type": "array", "items": item, "maxItems": MOST_VALUES})(self)


def storable(moment: datetime) -> datetime:
    """The moment as every database takes it.

    Near the ends of the calendar other time zones have no such day; nothing happened there. And
    PostgreSQL knows no offset of 16 hours.
    """
    return min(max(moment, _FIRST), _LAST).astimezone(UTC)


class MomentField(django_filters.fields.IsoDateTimeField):
    """ISO 8601; without an offset it is in the server's time zone."""

    def clean(self, value: Any) -> Any:
        if value == "":  # said, but nothing
            raise ValidationError(_("There is no such time."), code="invalid")
        moment = super().clean(value)
        if moment is None:
            return None
        return storable(moment)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(django_filters.Filter):
    field_class = MomentField


class OneOf(django_filters.ChoiceFilter):
    """One of these words."""

    field_class = ChoiceField

    def __init__(self, values: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=[(value, value) for value in values], **kwargs)
        extend_schema_field({"type": "string", "enum": list(values)})(self)


class AnyOf(django_filters.MultipleChoiceFilter):
    """Any of the words that the parameter, repeated, gives."""

    def __init__(self, values: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=[(value, value) for value in values], **kwargs)
        # Of one value: that there may be many the schema knows of filters of this class.
        extend_schema_field({"type": "string", "enum": list(values)})(self)


class Segments(AnyOf):
    """Any of these segments: numbers, or ``none``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(SEGMENTS_OR_NONE, *args, **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if not value:
            return qs
        numbers = [int(text) for text in value if text != NONE]
        condition = Q(**{f"{self.field_name}__in": numbers})
        if NONE in value:
            condition |= Q(**{f"{self.field_name}__isnull": True})
        return qs.filter(condition)


class Text(serializers.CharField):
    """A text, and nothing that could be written as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class FilterSerializer(serializers.Serializer[Any]):
    """Filters in the body of a request, or in an address among other parameters."""

    # What REST framework takes for absent where an address says it without a value.
    refuse_blank: tuple[str, ...] = ()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not isinstance(data, QueryDict):
            unknown = sorted(str(name)[:64] for name in set(data) - set(self.fields))
            if unknown:
                # To pass over it would be to mean more than was meant.
                message = _("There is no such filter.")
                raise serializers.ValidationError({name: [message] for name in unknown})
        if isinstance(data, QueryDict):
            blank = [name for name in self.refuse_blank if data.get(name) == ""]
            if blank:
                message = _("It must not be blank.")
                raise serializers.ValidationError({name: [message] for name in blank})
        return super().to_internal_value(data)


class FilterSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says that filters which do not exist are refused."""

    target_class = FilterSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class Ordering(filters.OrderingFilter):
    """``?ordering=-created_at``: one of the view's ``ordering_fields``; others are refused."""

    def get_ordering(self, request: Request, queryset: Any, view: APIView) -> Sequence[str]:
        asked = request.query_params.get(self.ordering_param)
        if asked is None:
            return list(view.ordering)  # type: ignore[attr-defined]
        known = view.ordering_fields  # type: ignore[attr-defined]
        if asked.removeprefix("-") not in known:
            message = _("Can be ordered by %(fields)s.") % {"fields": ", ".join(known)}
            raise serializers.ValidationError({self.ordering_param: [message]})
        return [asked]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        choices = [f"{sign}{name}" for name in view.ordering_fields for sign in ("", "-")]
        return [
            {
                "name": self.ordering_param,
                "required": False,
                "in": "query",
                "description": "Which comes first; with a minus the largest.",
                "schema": {"type": "string", "enum": choices},
            }
        ]
