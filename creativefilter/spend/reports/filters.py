"""Filters of spend, read from the address of a page and written back.

All charts, tables, lists and exports share them, so a link shows the same to everybody.
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

from classifier.segments import NUMBERS
from creativefilter.spend.models import NOT_CLASSIFIED, BrandLine

SEGMENTS = frozenset([NOT_CLASSIFIED, *NUMBERS])
_MONTH = re.compile(r"(\d{4})-(\d{1,2})", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,4}", re.ASCII)
_REVIEWED = {"yes": True, "no": False}
# Parameters of the address by field, in the order in which they are written there.
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
    """Spend that all of these let through; an empty one lets everything through.

    ``first`` and ``last`` are first days of months, both included. ``segments`` are effective
    ones, NOT_CLASSIFIED for money without any. A blank name stands for what is not known. Values
    of a tuple are sorted and each is kept once, so equal filters are equal objects.
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
        """The filters of an address: ``from=2023-01``, ``to=2023-12``, ``reviewed=yes`` or ``no``,
        and, as often as needed, ``segment=3``, ``advertiser=``, ``brand=``, ``media=``.

        What can't be read, and segments that do not exist, is passed over; a period that ends
        before it begins is turned round. A name that nobody has is kept, and lets nothing through.
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
        """The filters that ``query`` wrote."""
        return cls.of(QueryDict(query))

    def __bool__(self) -> bool:
        """Whether anything is filtered at all."""
        return self != Filters()

    def parameters(self) -> list[tuple[str, str]]:
        """Parameters of an address, in a stable order: what ``of`` reads."""
        return [
            (parameter, _written(value))
            for name, parameter in PARAMETERS.items()
            for value in _values(getattr(self, name))
        ]

    def query(self) -> str:
        """The same as text, without a question mark; "" where nothing is filtered."""
        return urlencode(self.parameters())

    def without(self, field: str, value: object = None) -> Filters:
        """Filters without this field ("first", "segments", …), or without one value of it."""
        left: Any = getattr(Filters(), field)
        if value is not None:
            left = tuple(one for one in getattr(self, field) if one != value)
        return replace(self, **{field: left})

    @property
    def of_advertisements_alone(self) -> bool:
        """Whether neither months nor advertisers, brands or media types matter."""
        return self == Filters(segments=self.segments, reviewed=self.reviewed)

    def on_totals(self) -> Q:
        """As a condition on ``SpendTotal``."""
        return self._months_and_brand_lines() & self.on_advertisements()

    def on_months(self) -> Q:
        """As a condition on ``MonthlySpend``."""
        return self._months_and_brand_lines() & self.on_advertisements("advertisement__")

    def on_advertisements(self, prefix: str = "") -> Q:
        """What it asks of the advertisement alone: its segment, and whether it was reviewed."""
        condition = Q()
        if self.segments:
            condition &= Q(**{f"{prefix}segment__in": self.segments})
        if self.reviewed is not None:
            condition &= Q(**{f"{prefix}reviewed": self.reviewed})
        return condition

    def on_brand_lines(self) -> Q:
        """What it asks of advertiser, brand and media type."""
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
            # Not by an index: SQLite 3.40 also finds later months through one on advertisement,
            # line and month when brand lines are one of a list and months have an upper end.
            condition &= Q(In(F("brand_line_id") + 0, BrandLine.objects.filter(lines).values("pk")))
        return condition


def _month(text: str) -> date | None:
    match = _MONTH.fullmatch(text)
    try:
        return date(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        return None


def _segments(texts: list[str]) -> tuple[int, ...]:
    numbers = {int(text) for text in texts if _NUMBER.fullmatch(text)}
    return tuple(numbers & SEGMENTS)


def _names(texts: list[str]) -> tuple[str, ...]:
    # PostgreSQL refuses NUL; no name holds it.
    return tuple(text for text in texts if "\x00" not in text)


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else [value]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m}" if isinstance(value, date) else str(value)
