"""Of which spend somebody wants to know: the filters of reports and exports."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from creativefilter.api.core import filters as filtering
from creativefilter.api.core.strict_fields import Truth, Word
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.filters import Filters

MONTH = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
# Names of the filters here, and in the addresses of the pages.
_NAMES = {
    "from": "from",
    "to": "to",
    "segment": "segment",
    "advertiser": "advertiser",
    "brand": "brand",
    "media_type": "media",
    "reviewed": "reviewed",
}


def _names(longest: int) -> serializers.ListField:
    name = filtering.Text(max_length=longest, allow_blank=True, trim_whitespace=False)
    return serializers.ListField(
        child=name,
        required=False,
        max_length=filtering.MOST_VALUES,
        help_text="Any of these; a blank one: where it is not known.",
    )


class SpendFilterSerializer(filtering.FilterSerializer):
    """Spend that all of these let through."""

    refuse_blank = ("from", "to")

    segment = serializers.ListField(
        child=Word(filtering.SEGMENTS_OR_NONE),
        required=False,
        max_length=len(filtering.SEGMENTS_OR_NONE),
        help_text="Numbers of effective segments, or `none` for what is not classified.",
    )
    advertiser = _names(255)
    brand = _names(255)
    media_type = _names(64)
    reviewed = Truth(required=False, allow_null=True, help_text="Whether a person's label stands.")

    def get_fields(self) -> dict[str, Any]:
        # "from" is a word of the language.
        words = {"from": "The first month: 2023-01.", "to": "The last month: 2023-12."}
        months = {
            name: serializers.RegexField(MONTH, required=False, help_text=text)
            for name, text in words.items()
        }
        return {**months, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("from", "") > attrs.get("to", "9999"):
            raise serializers.ValidationError({"to": [_("It ends before it begins.")]})
        return attrs


def filters_of(asked: dict[str, Any]) -> Filters:
    """What validated data of ``SpendFilterSerializer`` lets through."""
    query = QueryDict(mutable=True)
    for name, parameter in _NAMES.items():
        value = asked.get(name)
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                query.appendlist(parameter, _written(one))
    return Filters.of(query)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(NOT_CLASSIFIED) if value == filtering.NONE else str(value)


def asked_of(filters: Filters) -> dict[str, Any]:
    """The filters as ``SpendFilterSerializer`` shows them."""
    shown: dict[str, Any] = {
        "segment": [
            filtering.NONE if number == NOT_CLASSIFIED else str(number)
            for number in filters.segments
        ],
        "advertiser": list(filters.advertisers),
        "brand": list(filters.brands),
        "media_type": list(filters.media_types),
        "reviewed": filters.reviewed,
    }
    for name, month in (("from", filters.first), ("to", filters.last)):
        if month:
            shown[name] = f"{month:%Y-%m}"
    return shown
