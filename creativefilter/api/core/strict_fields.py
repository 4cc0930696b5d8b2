"""Serializer fields for requests that accept exactly the types that the schema states.

DRF also accepts "7" and true as numbers, 1 and "yes" as booleans, and a blank as an absent value.
Here these are errors. Forms and query strings hold only texts; there, numbers are accepted in
decimal notation, and booleans as ``true`` and ``false``. Texts with NUL and row numbers beyond 64
bits are refused, because some databases fail on them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

# The largest value of a 64-bit primary key.
LARGEST = 2**63 - 1
# Most values of one filter: in a query string they have to fit into a URL.
MOST_VALUES = 100
NO_NUL = r"^[^\x00]*$"
# Every float as Python and JavaScript write it, from 5e-324 to 1.7976931348623157e308.
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "false": False}
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class NotBlank:
    """Mixin: a field that is empty in a form or a query string is invalid, not absent."""

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        name: str = self.field_name  # type: ignore[attr-defined]
        if isinstance(dictionary, QueryDict) and dictionary.get(name) == "":
            return ""
        return super().get_value(dictionary)  # type: ignore[misc]


def _is_from_form(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    """Return whether the data is a form or a query string, in which all values are texts."""
    return isinstance(getattr(field.root, "initial_data", None), QueryDict)


def _is_number(field: serializers.Field[Any, Any, Any, Any], data: Any) -> bool:
    if _is_from_form(field):
        return _NUMBER.fullmatch(str(data)) is not None
    return isinstance(data, (int, float)) and not isinstance(data, bool)


class Integer(NotBlank, serializers.IntegerField):
    """An integer."""

    def to_internal_value(self, data: Any) -> int:
        if not _is_number(self, data):
            self.fail("invalid")
        return super().to_internal_value(data)


class RowNumber(Integer):
    """The primary key of a row: an integer from 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST, **options)


class Number(NotBlank, serializers.FloatField):
    """A finite number."""

    def to_internal_value(self, data: Any) -> float:
        if not _is_number(self, data):
            self.fail("invalid")
        value: float = super().to_internal_value(data)
        if not math.isfinite(value):  # 1e400 is valid JSON, and infinity as a float.
            self.fail("invalid")
        return value


class Boolean(NotBlank, serializers.BooleanField):
    """``true`` or ``false``."""

    # DRF's default is False: a field that is missing from a form would count as false.
    default_empty_html = serializers.empty

    def to_internal_value(self, data: Any) -> bool:
        found = _BOOLEANS.get(str(data).lower()) if _is_from_form(self) else data
        if not isinstance(found, bool):
            self.fail("invalid", input=str(data)[:64])
        return found


class Choice(NotBlank, serializers.ChoiceField):
    """One of several words. A JSON number is invalid even if a word has the same digits."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:64])
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A string. Other JSON types are not converted."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class DateTime(NotBlank, serializers.DateTimeField):
    """Date and time in ISO 8601; without an offset, in the server's time zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        return storable(timezone.make_aware(value) if timezone.is_naive(value) else value)


def storable(moment: datetime) -> datetime:
    """Return the moment in UTC, clipped to the years 1900 to 9000.

    At the ends of the calendar a conversion to another time zone overflows, and no row has such a
    date. PostgreSQL does not accept offsets of 16 hours and more.
    """
    return min(max(moment, _FIRST), _LAST).astimezone(UTC)


class Values(serializers.ListField):
    """Several values: a JSON list, or a query parameter that may be repeated."""

    def run_child_validation(self, data: Any) -> list[Any]:
        """Return the validated values.

        Raises:
            ValidationError: A value is invalid. The errors of a JSON list are by position; those of
                a query parameter are the errors of its first invalid value.
        """
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as error:
            if not _is_from_form(self):
                raise
            # The client does not know the values of a repeated parameter by position.
            raise serializers.ValidationError(next(iter(error.detail.values()))) from error  # type: ignore[union-attr]


class Texts(Values):
    """Filter by any of several texts, compared exactly; a blank text means: not known."""

    def __init__(self, max_length: int, **options: Any) -> None:
        child = Text(max_length=max_length, allow_blank=True, trim_whitespace=False)
        super().__init__(child=child, required=False, max_length=MOST_VALUES, **options)


class AnyOf(Values):
    """Filter by any of several words, given as words or as Django choices."""

    def __init__(self, words: Sequence[Any], **options: Any) -> None:
        super().__init__(child=Choice(words), required=False, max_length=len(words), **options)


class Rules:
    """Mixin for serializers with additional schema rules. List it before DRF's classes."""

    def schema_rules(self) -> dict[str, Any]:
        """Return the keywords that are added to the schema of the serializer."""
        return {}


class RulesSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Adds ``schema_rules`` to the schema of a serializer."""

    target_class = Rules
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, **self.target.schema_rules()}


def unknown_fields(names: Iterable[Any]) -> serializers.ValidationError:
    """Return the error of a request with unknown fields or query parameters."""
    message = ErrorDetail(str(_("There is no such field.")), "unknown_field")
    shortened = sorted(str(name)[:64] for name in names)
    return serializers.ValidationError({name: [message] for name in shortened})


class KnownFields(Rules):
    """Refuses unknown fields in JSON: a request would change more rows if it lost a filter."""

    def schema_rules(self) -> dict[str, Any]:
        return {**super().schema_rules(), "additionalProperties": False}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not isinstance(data, QueryDict):
            unknown = set(data) - set(self.fields)  # type: ignore[attr-defined]
            if unknown:
                raise unknown_fields(unknown)
        return super().to_internal_value(data)  # type: ignore[misc]


class OneOfFields(Rules):
    """Requires exactly one of the fields in ``one_of``."""

    one_of: tuple[str, ...]

    def schema_rules(self) -> dict[str, Any]:
        # Within ``allOf``: generators of clients make no class of an object with ``oneOf``.
        choice = [{"required": [name]} for name in self.one_of]
        return {**super().schema_rules(), "allOf": [{"oneOf": choice}]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in self.one_of) != 1:
            message = _("Exactly one of these: %(fields)s.") % {"fields": ", ".join(self.one_of)}
            raise serializers.ValidationError({self.one_of[0]: [message]})
        return attrs


class MassAction(KnownFields):
    """A request to change many rows, with the fields ``dry_run`` and ``expected``.

    ``expected`` is the number of rows that a dry run has reported. It is required in a request for
    all rows that is not a dry run.
    """

    def is_for_all(self, attrs: dict[str, Any]) -> bool:
        """Return whether the request is for all rows."""
        raise NotImplementedError

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)  # type: ignore[misc]
        if self.is_for_all(attrs) and not attrs["dry_run"] and "expected" not in attrs:
            sentence = str(
                _("No filter limits this request: state the number of creatives in `expected`.")
            )
            message = ErrorDetail(sentence, "required")
            raise serializers.ValidationError({"expected": [message]})
        return attrs
