"""Filters of lists, read from the query string or from the body of a mass action.

An invalid value is an error, because ignoring a filter would select the wrong rows.
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

from creativefilter.api.core.segments import NONE, SegmentText, directory
from creativefilter.api.core.strict_fields import MOST_VALUES, KnownFields, Values

Row = TypeVar("Row", bound=Model)


class Segments(Values):
    """Filter by any of several segments, given as numbers or ``none``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=SegmentText(), required=False, max_length=MOST_VALUES, **options)

    def condition(self, lookup: str, texts: list[str]) -> Q:
        """Return the condition that the column ``lookup`` counts as one of these segments."""
        wanted = directory().expanded(int(text) for text in texts if text != NONE)
        numbers = Q(**{f"{lookup}__in": wanted})
        return numbers | Q(**{f"{lookup}__isnull": True}) if NONE in texts else numbers


class FilterSerializer(KnownFields, serializers.Serializer[Any]):
    """Base of filters that are combined with AND.

    The ``source`` of a field is a Django lookup, such as ``created_at__gte``. A filter that is not
    a lookup has a method ``by_<source>(rows, value)`` instead.
    """

    def narrow(self, rows: QuerySet[Row], asked: dict[str, Any]) -> QuerySet[Row]:
        """Return the rows that pass all filters.

        Args:
            rows: The rows to filter.
            asked: Validated data of this serializer.
        """
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
    """Return whether a filter with this value lets all rows through."""
    return value is None or value in ("", [])


class AddressFilters(filters.BaseFilterBackend):
    """Filter backend that reads the query string with the serializer class ``view.filters``."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> QuerySet[Any]:
        form: FilterSerializer = view.filters(data=request.query_params)
        form.is_valid(raise_exception=True)
        return form.narrow(queryset, form.validated_data)

    def parameter_names(self, view: Any) -> set[str]:
        """Return the names of the query parameters that are read here."""
        return set(view.filters().fields)


class AddressFiltersSchema(OpenApiFilterExtension):  # type: ignore[no-untyped-call]
    """OpenAPI query parameters for the fields of ``view.filters``."""

    target_class = AddressFilters

    def get_schema_operation_parameters(
        self, auto_schema: Any, *_args: Any, **_options: Any
    ) -> list[dict[str, Any]]:
        fields = auto_schema._map_serializer(auto_schema.view.filters(), "request")["properties"]
        for schema in fields.values():
            # drf-spectacular lists the choices with their labels; ``enum`` has them already.
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
    """Orders by one of the view's ``ordering_fields``, as in ``?ordering=-created_at``."""

    def get_ordering(self, request: Request, queryset: Any, view: APIView) -> Sequence[str]:
        """Return the requested ordering, or the view's own if none is requested.

        Raises:
            ValidationError: The field is not one of the view's ``ordering_fields``.
        """
        asked = request.query_params.get(self.ordering_param)
        if asked is None:
            return list(view.ordering)  # type: ignore[attr-defined]
        known = view.ordering_fields  # type: ignore[attr-defined]
        if asked.removeprefix("-") not in known:
            message = _("Can be ordered by %(fields)s.") % {"fields": ", ".join(known)}
            raise serializers.ValidationError({self.ordering_param: [message]})
        return [asked]

    def parameter_names(self, view: Any) -> set[str]:
        """Return the names of the query parameters that are read here."""
        return {self.ordering_param}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        choices = [f"{sign}{name}" for name in view.ordering_fields for sign in ("", "-")]
        return [
            {
                "name": self.ordering_param,
                "required": False,
                "in": "query",
                "description": "The field to order by; with a minus, in descending order.",
                "schema": {"type": "string", "enum": choices},
            }
        ]
