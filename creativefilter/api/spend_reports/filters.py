"""Filters of spend, for reports and exports."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.filters import FilterSerializer
from creativefilter.api.core.segments import MERGED_HELP, NONE, SegmentText
from creativefilter.api.core.strict_fields import MOST_VALUES, Boolean, NotBlank, Texts, Values
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.filters import Filters

MONTH = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
NAMES_HELP = "Any of these names; a blank one selects spend without this name."


@extend_schema_field({"type": "string", "minLength": 1, "pattern": MONTH})
class MonthField(NotBlank, serializers.Field[date, str, str, Any]):
    """A month such as ``2023-01``; its Python value is the first day."""

    default_error_messages = {
        "invalid": serializers.RegexField.default_error_messages["invalid"],
    }

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not re.fullmatch(MONTH, data):
            self.fail("invalid")
        return date.fromisoformat(f"{data}-01")

    def to_representation(self, value: date) -> str:
        return f"{value:%Y-%m}"


class SpendSegmentField(SegmentText):
    """The number of an effective segment, or ``none`` for what is not classified."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        return NOT_CLASSIFIED if text == NONE else int(text)

    def to_representation(self, value: Any) -> str:
        return NONE if value == NOT_CLASSIFIED else str(value)


class SpendFilterSerializer(FilterSerializer):
    """Filters of spend, combined with AND."""

    segment = Values(
        source="segments",
        child=SpendSegmentField(),
        required=False,
        max_length=MOST_VALUES,
        help_text=f"Numbers of effective segments, or `none`: not classified. {MERGED_HELP}",
    )
    advertiser = Texts(255, source="advertisers", help_text=NAMES_HELP)
    brand = Texts(255, source="brands", help_text=NAMES_HELP)
    media_type = Texts(64, source="media_types", help_text=NAMES_HELP)
    reviewed = Boolean(
        required=False, allow_null=True, help_text="Whether a person's label counts."
    )

    def get_fields(self) -> dict[str, Any]:
        # "from" is a keyword of Python, so this field can't be a class attribute.
        first = MonthField(required=False, source="first", help_text="The first month: 2023-01.")
        last = MonthField(required=False, source="last", help_text="The last month: 2023-12.")
        return {"from": first, "to": last, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("first", date.min) > attrs.get("last", date.max):
            raise serializers.ValidationError({"to": [_("The end is before the beginning.")]})
        return attrs

    def to_representation(self, instance: Filters) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        return {
            name: value
            for name, value in shown.items()
            if value is not None or name not in ("from", "to")
        }


def filters_of(asked: dict[str, Any]) -> Filters:
    """Return the filters of reports and exports.

    Args:
        asked: Validated data of ``SpendFilterSerializer``.
    """
    given = {field.name: asked[field.name] for field in fields(Filters) if field.name in asked}
    return Filters(**given)
