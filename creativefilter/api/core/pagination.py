"""Cursor pagination that stays correct while rows are added and removed.

DRF's ``CursorPagination`` counts rows with equal values by an offset, and at most 1,000 of them.
Here a cursor holds the values that the last row is ordered by and its primary key, so any number
of rows may have equal values.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.db.models import F, Field, Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from creativefilter.api.core.strict_fields import storable

CURSOR = "cursor"
PAGE_SIZE = "page_size"
LONGEST_CURSOR = 2000


@dataclass(frozen=True, slots=True)
class Column:
    """A column or annotation that rows are ordered by. NULL counts as the smallest value."""

    name: str
    descending: bool
    field: Field[Any, Any]

    @property
    def nullable(self) -> bool:
        return bool(getattr(self.field, "null", False))

    def order(self, backwards: bool) -> Any:
        """Return the argument of ``order_by``, in reverse if ``backwards``."""
        descending = self.descending is not backwards
        column = F(self.name)
        if not self.nullable:
            return column.desc() if descending else column.asc()
        return column.desc(nulls_last=True) if descending else column.asc(nulls_first=True)

    def value_of(self, row: Any) -> Any:
        if isinstance(row, dict):
            return row[self.name]
        value = row
        for part in self.name.split("__"):
            value = getattr(value, part, None)
        return value.pk if isinstance(value, Model) else value

    def beyond(self, value: Any, backwards: bool) -> Q | None:
        """Return the condition for rows after ``value``; None if there can't be any."""
        if self.descending is not backwards:
            if value is None:
                return None
            return Q(**{f"{self.name}__lt": value}) | (
                Q(**{f"{self.name}__isnull": True}) if self.nullable else Q()
            )
        if value is None:
            return Q(**{f"{self.name}__isnull": False})
        return Q(**{f"{self.name}__gt": value})

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})


class CursorPages(BasePagination):
    """Pages ``{next, previous, results}`` with ``?cursor=`` and ``?page_size=``, at most 500.

    An invalid cursor is a 400.
    """

    default_size = 50
    max_size = 500
    ordering: Sequence[str] = ("-created_at",)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        size = self._size(request)
        columns = self._columns(queryset, request, view)
        backwards, values = self._cursor(request, columns)
        if values is not None:
            queryset = queryset.filter(_after(columns, values, backwards))
        ordered = queryset.order_by(*[column.order(backwards) for column in columns])
        rows = list(ordered[: size + 1])
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        has_next = bool(rows) if backwards else more
        has_previous = more if backwards else values is not None
        self.next = self._link(columns, rows[-1], False) if rows and has_next else None
        self.previous = self._link(columns, rows[0], True) if rows and has_previous else None
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def parameter_names(self, view: Any) -> set[str]:
        """Return the names of the query parameters that are read here."""
        return {CURSOR, PAGE_SIZE}

    def _size(self, request: Request) -> int:
        raw = request.query_params.get(PAGE_SIZE)
        if raw is None:
            return self.default_size
        if not (raw.isascii() and raw.isdigit() and len(raw) <= 9):
            raise exceptions.ValidationError({PAGE_SIZE: [_("A whole number is needed.")]})
        if not 1 <= int(raw) <= self.max_size:
            text = _("Between 1 and %(most)d.") % {"most": self.max_size}
            raise exceptions.ValidationError({PAGE_SIZE: [text]})
        return int(raw)

    def _columns(self, queryset: QuerySet[Any], request: Request, view: Any) -> list[Column]:
        """Return the view's ordering, with the primary key added to make it unambiguous."""
        names = list(getattr(view, "ordering", None) or queryset.query.order_by or self.ordering)
        for backend in getattr(view, "filter_backends", ()):
            if hasattr(backend, "get_ordering"):
                names = list(backend().get_ordering(request, queryset, view) or names)
        columns = [
            Column(name.lstrip("-"), name.startswith("-"), _field(queryset, name.lstrip("-")))
            for name in names
        ]
        key = queryset.model._meta.pk
        if not {"pk", key.name} & {column.name for column in columns}:
            columns.append(Column(key.name, columns[0].descending if columns else False, key))
        return columns

    def _cursor(self, request: Request, columns: list[Column]) -> tuple[bool, list[Any] | None]:
        """Return whether to read backwards, and the values of the row that the cursor holds.

        The values are None without a cursor.
        """
        raw = request.query_params.get(CURSOR, "")
        if not raw:
            return False, None
        try:
            if len(raw) > LONGEST_CURSOR:
                raise ValueError
            names, backwards, values = json.loads(base64.urlsafe_b64decode(raw.encode("ascii")))
            if names != _names(columns) or len(values) != len(columns):
                raise ValueError
            pairs = zip(columns, values, strict=True)
            return bool(backwards), [
                None if value is None else _storable(column.field.to_python(_checked_text(value)))
                for column, value in pairs
            ]
        except (ValueError, TypeError, binascii.Error, ValidationError, RecursionError) as error:
            text = _("This is not a cursor of this list in this order.")
            raise exceptions.ValidationError({CURSOR: [text]}) from error

    def _link(self, columns: list[Column], row: Any, backwards: bool) -> str:
        values = [None if (v := column.value_of(row)) is None else str(v) for column in columns]
        raw = json.dumps([_names(columns), int(backwards), values], separators=(",", ":"))
        cursor = base64.urlsafe_b64encode(raw.encode()).decode("ascii")
        return replace_query_param(self.request.build_absolute_uri(), CURSOR, cursor)

    # The schema

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri", "example": None}
        onward = (
            "https://creatives.example.org/api/v1/creatives?cursor=WyItaWQiLDAsWyI0MiJdXQ%3D%3D"
        )
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "example": onward},
                "previous": link,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": CURSOR,
                "in": "query",
                "required": False,
                "description": "The cursor in `next` or `previous` of another page.",
                "schema": {"type": "string", "maxLength": LONGEST_CURSOR},
            },
            {
                "name": PAGE_SIZE,
                "in": "query",
                "required": False,
                "description": "Rows in a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_size,
                    "default": self.default_size,
                },
            },
        ]


def _names(columns: list[Column]) -> str:
    return ",".join(("-" if column.descending else "") + column.name for column in columns)


def _checked_text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(value)
    return value


def _storable(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    if timezone.is_naive(value):
        raise ValueError(value)
    return storable(value)


def _field(queryset: QuerySet[Any], name: str) -> Field[Any, Any]:
    annotation = queryset.query.annotations.get(name)
    if annotation is not None:
        return annotation.output_field
    if name == "pk":
        return queryset.model._meta.pk
    model: Any = queryset.model
    field: Any = None
    for part in name.split("__"):
        if model is None:
            raise FieldError(name)
        field = model._meta.get_field(part)
        model = field.related_model
    return field.target_field if field.is_relation else field


def _after(columns: list[Column], values: list[Any], backwards: bool) -> Q:
    """Return the condition for rows after the given one, comparing column by column."""
    condition = Q(pk__in=[])
    same = Q()
    for column, value in zip(columns, values, strict=True):
        beyond = column.beyond(value, backwards)
        if beyond is not None:
            condition |= same & beyond
        same &= column.same(value)
    first, value = columns[0], values[0]
    if first.nullable or value is None:
        return condition
    # Implied by the condition, but lets the database use an index on the first column.
    bound = "lte" if first.descending is not backwards else "gte"
    return condition & Q(**{f"{first.name}__{bound}": value})
