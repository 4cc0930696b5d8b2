"""Fields that take what the schema says and nothing that could be read so.

REST framework takes "7" and true for numbers, 1 and "yes" for truths, and a blank for nothing. What
is guessed here is a mistake there. Forms hold texts alone: of them the plainest one is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_TRUTH = {"true": True, "false": False}


class _Said:
    """Mixin: what a form says without a value is wrong rather than absent."""

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        name: str = self.field_name  # type: ignore[attr-defined]
        if isinstance(dictionary, QueryDict) and dictionary.get(name) == "":
            return ""
        return super().get_value(dictionary)  # type: ignore[misc]

    @property
    def of_form(self) -> bool:
        return isinstance(getattr(self.root, "initial_data", None), QueryDict)  # type: ignore[attr-defined]

    def is_number(self, data: Any) -> bool:
        if self.of_form:
            return _NUMBER.fullmatch(str(data)) is not None
        return isinstance(data, (int, float)) and not isinstance(data, bool)


class Whole(_Said, serializers.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        if not self.is_number(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(_Said, serializers.FloatField):
    """A number."""

    def to_internal_value(self, data: Any) -> float:
        if not self.is_number(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Truth(_Said, serializers.BooleanField):
    """``true`` or ``false``."""

    def to_internal_value(self, data: Any) -> bool:
        found = _TRUTH.get(str(data).lower()) if self.of_form else data
        if not isinstance(found, bool):
            self.fail("invalid", input=str(data)[:64])
        return found


class Word(serializers.ChoiceField):
    """One of these words; a number is none, even if it is written the same."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:64])
        return super().to_internal_value(data)
