"""Filters of lists: declared once, read from an address, or from the body of a mass action.

What can't be read is refused: a filter that is silently left out answers with the wrong rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiFilterExtension
from drf_spectacular.plumbing import build_parameter_type
from rest_framework import filters, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from classifier.segments import NUMBERS
from creativefilter.api.core.strict_fields import AnyOf, KnownFields

NONE = "none"
SEGMENT_NUMBERS = [(number, number) for number in NUMBERS]
SEGMENTS_OR_NONE = [NONE, *map(str, NUMBERS)]
Row = TypeVar("Row", bound=Model)


class Segments(AnyOf):
    """Any of these segments: numbers, or ``none``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(SEGMENTS_OR_NONE, **options)

    def condition(self, lookup: str, texts: list[str]) -> Q:
        numbers = Q(**{f"{lookup}__in": [int(text) for text in texts if text != NONE]})
        return numbers | Q(**{f"{lookup}__isnull": True}) if NONE in texts else numbers


class FilterSerializer(KnownFields, serializers.Serializer[Any]):
    """Filters that all have to hold.

    The source of a field is the lookup that it stands for, such as ``created_at__gte``; a method
    ``by_<source>(rows, value)`` filters by what is no lookup.
    """

    def narrow(self, rows: QuerySet[Row], asked: dict[str, Any]) -> QuerySet[Row]:
        """Return the rows that ``asked``, validated data of this serializer, lets through."""
        for field in self.fields.values():
            lookup = str(field.source)
            value: Any = asked.get(lookup)
            if is_empty(value):
                continue
            if method := getattr(self, f"by_{lookup}", None):
                rows = method(rows, value)
            elif isinstance(field, Segments):
                rows = rows.filter(field.condition(lookup, value))
            else:
                rows = rows.filter(**{lookup: value})
        return rows


def is_empty(value: Any) -> bool:
    """Whether the value of a filter lets everything through."""
    return value is None or value in ("", [])


class AddressFilters(filters.BaseFilterBackend):
    """Filters a list by what its address says: the view's ``filters`` reads it."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> QuerySet[Any]:
        form: FilterSerializer = view.filters(data=request.query_params)
        form.is_valid(raise_exception=True)
        return form.narrow(queryset, form.validated_data)


class AddressFiltersSchema(OpenApiFilterExtension):  # type: ignore[no-untyped-call]
    """The fields of the serializer as parameters of an address."""

    target_class = AddressFilters

    def get_schema_operation_parameters(
        self, auto_schema: Any, *_args: Any, **_options: Any
    ) -> list[dict[str, Any]]:
        fields = auto_schema._map_serializer(auto_schema.view.filters(), "request")["properties"]
        for schema in fields.values():
            # A list of the words, each with itself.
            schema.get("items", {}).pop("description", None)
        return [
            build_parameter_type(
                name=name,
                schema=schema,
                location="query",
                description=schema.pop("description", None),
                **({"explode": True, "style": "form"} if "items" in schema else {}),
            )
            for name, schema in fields.items()
        ]


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
