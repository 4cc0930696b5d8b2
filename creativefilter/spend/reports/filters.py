"""Filters of spend, parsed from the query of an address and written back to it.

All charts, tables, lists and exports use the same filters, so a link shows every user the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q
from django.db.models.lookups import In
from django.http import QueryDict

from creativefilter.creatives.segments.directory import Directory, Merge
from creativefilter.spend.models import NOT_CLASSIFIED, BrandLine

_MONTH = re.compile(r"(\d{4})-(\d{1,2})", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,4}", re.ASCII)
_REVIEWED = {"yes": True, "no": False}
# Query parameter of each field, in the order in which ``Filters.query`` writes them.
PARAMETERS = {
    "first": "from",
    "last": "to",
    "segments": "segment",
    "advertisers": "advertiser",
    "brands": "brand",
    "media_types": "media",
    "reviewed": "reviewed",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on spend, all of which have to hold. An empty field sets no condition.

    The values of a tuple are sorted and unique, so that equal filters are equal objects.

    Attributes:
        first: First day of the first month.
        last: First day of the last month, which is included.
        segments: Effective segments; NOT_CLASSIFIED for spend without a segment.
        advertisers: Names; "" for spend whose advertiser is not known.
        brands: Names; "" for spend whose brand is not known.
        media_types: Names; "" for spend whose media type is not known.
        reviewed: Whether a person set the segment.
    """

    first: date | None = None
    last: date | None = None
    segments: tuple[int, ...] = ()
    advertisers: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    reviewed: bool | None = None

    def __post_init__(self) -> None:
        for name in ("segments", "advertisers", "brands", "media_types"):
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))

    @classmethod
    def of(cls, query: QueryDict) -> Filters:
        """Parse the query of an address.

        Parameters are ``from=2023-01``, ``to=2023-12``, ``reviewed=yes`` or ``no`` and, repeated as
        needed, ``segment=3``, ``advertiser=``, ``brand=`` and ``media=``. Values that can't be
        parsed and segments that do not exist are ignored. A merged segment is replaced by the one
        into which it was merged; ``merges_in`` returns which ones were. If the period ends before
        it starts, its ends are swapped. An unknown name is a valid filter that lets nothing
        through.
        """
        first, last = _month(query.get("from", "")), _month(query.get("to", ""))
        if first and last and first > last:
            first, last = last, first
        return cls(
            first=first,
            last=last,
            segments=_segments(query.getlist("segment")),
            advertisers=_names(query.getlist("advertiser")),
            brands=_names(query.getlist("brand")),
            media_types=_names(query.getlist("media")),
            reviewed=_REVIEWED.get(query.get("reviewed", "")),
        )

    @classmethod
    def of_text(cls, query: str) -> Filters:
        """Parse the text that ``query`` returns."""
        return cls.of(QueryDict(query))

    def __bool__(self) -> bool:
        """Whether any field sets a condition."""
        return self != Filters()

    def parameters(self) -> list[tuple[str, str]]:
        """Return the query parameters that ``of`` parses, in a stable order."""
        return [
            (parameter, _written(value))
            for name, parameter in PARAMETERS.items()
            for value in _values(getattr(self, name))
        ]

    def query(self) -> str:
        """Return the parameters as text, without a question mark; "" for empty filters."""
        return urlencode(self.parameters())

    def without(self, field: str, value: object = None) -> Filters:
        """Return a copy without the condition of a field, or without one value of a tuple.

        Args:
            field: Name of the field, such as "first" or "segments".
            value: The value to remove; None for the whole field.
        """
        left: Any = getattr(Filters(), field)
        if value is not None:
            left = tuple(one for one in getattr(self, field) if one != value)
        return replace(self, **{field: left})

    @property
    def of_advertisements_alone(self) -> bool:
        """Whether no condition concerns months, advertisers, brands or media types."""
        return self == Filters(segments=self.segments, reviewed=self.reviewed)

    def on_totals(self) -> Q:
        """Return the condition for a query of ``SpendTotal``."""
        return self._months_and_brand_lines() & self.on_advertisements()

    def on_months(self) -> Q:
        """Return the condition for a query of ``MonthlySpend``."""
        return self._months_and_brand_lines() & self.on_advertisements("advertisement__")

    def on_advertisements(self, prefix: str = "") -> Q:
        """Return the condition on segment and review of an advertisement.

        Args:
            prefix: Lookup path from the queried model to the fields, such as "advertisement__".
        """
        condition = Q()
        if self.segments:
            condition &= Q(**{f"{prefix}segment__in": self.segments})
        if self.reviewed is not None:
            condition &= Q(**{f"{prefix}reviewed": self.reviewed})
        return condition

    def on_brand_lines(self) -> Q:
        """Return the condition for a query of ``BrandLine``."""
        condition = Q()
        if self.advertisers:
            condition &= Q(advertiser__in=self.advertisers)
        if self.brands:
            condition &= Q(brand__in=self.brands)
        if self.media_types:
            condition &= Q(media_type__in=self.media_types)
        return condition

    def _months_and_brand_lines(self) -> Q:
        condition = Q()
        if self.first:
            condition &= Q(month__gte=self.first)
        if self.last:
            condition &= Q(month__lte=self.last)
        if lines := self.on_brand_lines():
            # "+ 0" keeps SQLite from using an index: through the one on advertisement, brand line
            # and month, SQLite 3.40 wrongly returns later months if brand lines are given as a
            # list and months have an upper end.
            condition &= Q(In(F("brand_line_id") + 0, BrandLine.objects.filter(lines).values("pk")))
        return condition


def _month(text: str) -> date | None:
    match = _MONTH.fullmatch(text)
    try:
        return date(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        return None


def merges_in(query: QueryDict) -> list[Merge]:
    """Return the merged segments that the query of an address names."""
    numbers = _numbers(query.getlist("segment"))
    directory = Directory.read() if numbers else None
    found = [directory.merge_of(number) for number in sorted(numbers)] if directory else []
    return [merge for merge in found if merge]


def _segments(texts: list[str]) -> tuple[int, ...]:
    numbers = _numbers(texts)
    if not numbers - {NOT_CLASSIFIED}:
        return tuple(numbers)
    directory = Directory.read()
    known = numbers & {NOT_CLASSIFIED, *directory.by_number}
    return tuple(directory.counted_number(number) for number in known)


def _numbers(texts: list[str]) -> set[int]:
    return {int(text) for text in texts if _NUMBER.fullmatch(text)}


def _names(texts: list[str]) -> tuple[str, ...]:
    # PostgreSQL refuses NUL, and no name contains it.
    return tuple(text for text in texts if "\x00" not in text)


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else [value]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    # Not by strftime, which writes years before 1000 with fewer than four digits.
    return value.isoformat()[:7] if isinstance(value, date) else str(value)
