"""Fields of requests that take what the schema says and nothing that could be read so.

REST framework takes "7" and true for numbers, 1 and "yes" for truths, and a blank for nothing. What
is guessed there is a mistake here. Forms and addresses hold texts alone: of them the plainest one
is taken. Texts with NUL and numbers that no column holds are refused: some databases fail on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

# The largest number of a row.
LARGEST = 2**63 - 1
# Values of one parameter: an address has to hold them.
MOST_VALUES = 100
NO_NUL = r"^[^\x00]*$"
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_TRUTH = {"true": True, "false": False}
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class NotBlank:
    """Mixin: a field that a form or an address names without a value is wrong, not absent."""

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        name: str = self.field_name  # type: ignore[attr-defined]
        if isinstance(dictionary, QueryDict) and dictionary.get(name) == "":
            return ""
        return super().get_value(dictionary)  # type: ignore[misc]


def _of_form(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    """Whether the request is a form or an address: everything in it is a text."""
    return isinstance(getattr(field.root, "initial_data", None), QueryDict)


def _is_number(field: serializers.Field[Any, Any, Any, Any], data: Any) -> bool:
    if _of_form(field):
        return _NUMBER.fullmatch(str(data)) is not None
    return isinstance(data, (int, float)) and not isinstance(data, bool)


class Whole(NotBlank, serializers.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        if not _is_number(self, data):
            self.fail("invalid")
        return super().to_internal_value(data)


class RowNumber(Whole):
    """The number of a row, from 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST, **options)


class Number(NotBlank, serializers.FloatField):
    """A number."""

    def to_internal_value(self, data: Any) -> float:
        if not _is_number(self, data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Truth(NotBlank, serializers.BooleanField):
    """``true`` or ``false``."""

    # REST framework takes what a form does not name for false.
    default_empty_html = serializers.empty

    def to_internal_value(self, data: Any) -> bool:
        found = _TRUTH.get(str(data).lower()) if _of_form(self) else data
        if not isinstance(found, bool):
            self.fail("invalid", input=str(data)[:64])
        return found


class Word(NotBlank, serializers.ChoiceField):
    """One of these words; a number is none, even if it is written the same."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:64])
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A text, and nothing that could be written as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Moment(NotBlank, serializers.DateTimeField):
    """ISO 8601; without an offset it is in the server's time zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        return storable(timezone.make_aware(value) if timezone.is_naive(value) else value)


def storable(moment: datetime) -> datetime:
    """Return the moment as every database takes it.

    Near the ends of the calendar other time zones have no such day; nothing happened there. And
    PostgreSQL knows no offset of 16 hours.
    """
    return min(max(moment, _FIRST), _LAST).astimezone(UTC)


class Values(serializers.ListField):
    """Several values: a list, or a parameter of an address that may be repeated."""

    def run_child_validation(self, data: Any) -> list[Any]:
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as error:
            if not _of_form(self):
                raise
            # A repeated parameter has no places that could be named.
            raise serializers.ValidationError(next(iter(error.detail.values()))) from error  # type: ignore[union-attr]


class Texts(Values):
    """Any of these texts, compared as they are; a blank one stands for what is not known."""

    def __init__(self, max_length: int, **options: Any) -> None:
        child = Text(max_length=max_length, allow_blank=True, trim_whitespace=False)
        super().__init__(child=child, required=False, max_length=MOST_VALUES, **options)


class AnyOf(Values):
    """Any of these words, or choices of words."""

    def __init__(self, words: Sequence[Any], **options: Any) -> None:
        super().__init__(child=Word(words), required=False, max_length=len(words), **options)


class Rules:
    """Mixin of serializers, left of REST framework's, whose schema says more than their fields."""

    def schema_rules(self) -> dict[str, Any]:
        """Return what is added to the schema."""
        return {}


class RulesSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = Rules
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, **self.target.schema_rules()}


class KnownFields(Rules):
    """Fields that do not exist are refused: to pass over one would be to do more than was meant."""

    def schema_rules(self) -> dict[str, Any]:
        return {**super().schema_rules(), "additionalProperties": False}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not isinstance(data, QueryDict):
            unknown = sorted(str(name)[:64] for name in set(data) - set(self.fields))  # type: ignore[attr-defined]
            if unknown:
                message = ErrorDetail(str(_("There is no such field.")), "unknown_field")
                raise serializers.ValidationError({name: [message] for name in unknown})
        return super().to_internal_value(data)  # type: ignore[misc]


class OneOfFields(Rules):
    """Exactly one of the fields ``one_of`` has to be there."""

    one_of: tuple[str, ...]

    def schema_rules(self) -> dict[str, Any]:
        # One level down: generators of clients make no class of an object that is a choice.
        choice = [{"required": [name]} for name in self.one_of]
        return {**super().schema_rules(), "allOf": [{"oneOf": choice}]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in self.one_of) != 1:
            message = _("Exactly one of these: %(fields)s.") % {"fields": ", ".join(self.one_of)}
            raise serializers.ValidationError({self.one_of[0]: [message]})
        return attrs


class MassAction(KnownFields):
    """A request with ``dry_run`` and ``expected``, the number of rows that a dry run has told.

    What is for all rows has to say how many these are.
    """

    def is_for_all(self, attrs: dict[str, Any]) -> bool:
        """Return whether the request is for all rows."""
        raise NotImplementedError

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)  # type: ignore[misc]
        if self.is_for_all(attrs) and not attrs["dry_run"] and "expected" not in attrs:
            sentence = str(_("It is for all of them: say how many these are."))
            message = ErrorDetail(sentence, "required")
            raise serializers.ValidationError({"expected": [message]})
        return attrs
