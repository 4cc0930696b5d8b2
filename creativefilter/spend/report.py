"""The figures of the charts: where the money went, by segment, advertiser, brand and media type.

Every sum is made by the database of whole ten-thousandths of a rouble and comes out as an exact
``Decimal``: rounding is for display. Money is counted from ``SpendTotal``, advertisements from
``MonthlySpend``. ``segments.catch_up`` has to be called once before the figures of a page.

Money of an id that has no creative, or only one of the demonstration, is not classified; such an
id counts as an advertisement like any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Case, Count, F, Max, Min, Q, QuerySet, Sum, Value, When

from creativefilter.creatives.models import Segment
from creativefilter.spend.behind import Behind
from creativefilter.spend.filters import Filters
from creativefilter.spend.models import NOT_CLASSIFIED, MonthlySpend, SpendTotal

POINTS = 5_000
# A segment's number (NOT_CLASSIFIED for none) or a name, "" for one that is not known.
Key = int | str


class Dimension(StrEnum):
    """What spend is parted by."""

    SEGMENT = "segment"
    ADVERTISER = "advertiser"
    BRAND = "brand"
    MEDIA_TYPE = "media_type"

    @property
    def parameter(self) -> str:
        """Of the address, for ``Filters.adding``."""
        return "media" if self is Dimension.MEDIA_TYPE else self.value


@dataclass(frozen=True, slots=True)
class Series:
    """Roubles by month: ``amounts[n][m]`` is that of ``keys[n]`` in ``months[m]``.

    ``months`` are first days, from the first with spend to the last without a gap. Keys with the
    largest sums come first; ``rest[m]`` is the sum of all others, empty where there are none.
    """

    months: list[date]
    keys: list[Key]
    amounts: list[list[Decimal]]
    rest: list[Decimal]


@dataclass(frozen=True, slots=True)
class Total:
    """What was spent on a key; ``key`` is None for all that are not shown one by one.

    ``creatives`` counts Advertisement IDs, whether their creatives are here or not. One that two
    brands paid for counts for both. ``share`` of the filtered sum, 0 to 1.
    """

    key: Key | None
    amount: Decimal
    placements: int
    creatives: int
    share: float


@dataclass(frozen=True, slots=True)
class Year:
    """Roubles of a year by month, January first; None where nothing is known of a month."""

    year: int
    amounts: list[Decimal | None]


@dataclass(frozen=True, slots=True)
class Branch:
    """What an advertiser spent on a brand with creatives of a segment; None: the small rest."""

    advertiser: str
    brand: str | None
    segment: int | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Point:
    """Spend against the number of placements: of an advertiser or of a creative (its id)."""

    key: str
    segment: int | None
    amount: Decimal
    placements: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a filter can take, and what is spent on it under the other filters."""

    key: Key
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """What the filters let through, in a few numbers.

    ``advertisements`` are different ids; ``classified`` and ``unclassified`` those of them that
    have a creative, with and without an effective segment. ``first`` and ``last`` month.
    """

    amount: Decimal
    placements: int
    advertisements: int
    classified: int
    unclassified: int
    first: date | None
    last: date | None

    @property
    def without_creative(self) -> int:
        """Ids whose creative is not here."""
        return self.advertisements - self.classified - self.unclassified


def monthly(filters: Filters, dimension: Dimension, most: int = 12) -> Series:
    """Month by month, the ``most`` largest keys; fewer where the chart had over ``POINTS``."""
    ranked = _ranked(filters, dimension)
    months = _months_between(filters)
    if not months:
        return Series([], [], [], [])
    keys = [key for key, _, _ in ranked[: max(1, min(most, POINTS // len(months) - 1))]]
    rows = _totals(filters).annotate(key=_largest(dimension, keys)).values_list("key", "month")
    sums = {(key, month): amount for key, month, amount in rows.annotate(Sum("amount"))}
    nothing = Decimal(0)
    rest = [sums.get((None, month), nothing) for month in months]
    return Series(
        months,
        keys,
        [[sums.get((key, month), nothing) for month in months] for key in keys],
        rest if len(ranked) > len(keys) else [],
    )


def totals(filters: Filters, dimension: Dimension, most: int = 30) -> list[Total]:
    """The ``most`` largest keys, the largest first, and the rest last where there is one."""
    ranked = _ranked(filters, dimension)
    whole = sum((amount for _, amount, _ in ranked), Decimal(0))
    shown, hidden = ranked[:most], ranked[most:]
    counts = _creatives(filters, dimension, [key for key, _, _ in shown])
    rows: list[tuple[Key | None, Decimal, int]] = [*shown]
    if hidden:
        amount = sum((amount for _, amount, _ in hidden), Decimal(0))
        rows.append((None, amount, sum(placements for _, _, placements in hidden)))
    return [
        Total(key, amount, placements, counts.get(key, 0), _share(amount, whole))
        for key, amount, placements in rows
    ]


def year_over_year(filters: Filters) -> list[Year]:
    """The months of each year from the first with spend to the last, side by side."""
    sums = dict(_totals(filters).values_list("month").annotate(Sum("amount")))
    months = _months_between(filters)
    years: dict[int, list[Decimal | None]] = defaultdict(lambda: [None] * 12)
    for month in months:
        years[month.year][month.month - 1] = sums.get(month, Decimal(0))
    return [Year(year, amounts) for year, amounts in sorted(years.items())]


def tree(filters: Filters, most: int = 500) -> list[Branch]:
    """Advertiser, brand, segment: the ``most`` largest leaves, the largest first.

    What is left of an advertiser stands behind them as one branch without brand and segment, so
    that its branches sum up to all that it spent. Advertisers past ``POINTS`` are left out.
    """
    rows = (
        _totals(filters)
        .values_list("line__advertiser", "line__brand", "segment")
        .annotate(amount=Sum("amount"))
    )
    ranked = sorted(rows, key=lambda row: (-row[3], row[:3]))
    rest: dict[str, Decimal] = defaultdict(Decimal)
    for advertiser, _, _, amount in ranked[most:]:
        rest[advertiser] += amount
    left = sorted(rest.items(), key=lambda item: (-item[1], item[0]))
    shown = [Branch(*row) for row in ranked[:most]]
    return [*shown, *(Branch(name, None, None, amount) for name, amount in left)][:POINTS]


def placements(filters: Filters) -> list[Point]:
    """Spend against the number of placements, the largest spend first.

    Of each advertiser; where advertisers or brands were chosen, of each of their creatives, at
    most ``POINTS``.
    """
    if filters.advertisers or filters.brands:
        return _placements_of_creatives(filters)
    rows = (
        _totals(filters)
        .values_list("line__advertiser")
        .annotate(amount=Sum("amount"), placements=Sum("placements"))
        .order_by("-amount", "line__advertiser")[:POINTS]
    )
    return [Point(name, None, amount, count) for name, amount, count in rows]


def _placements_of_creatives(filters: Filters) -> list[Point]:
    rows = (
        _months(filters)
        .values_list("advertisement__advertisement_id", "advertisement__segment")
        .annotate(amount=Sum("amount"), placements=Sum("placements"))
        .order_by("-amount", "advertisement__advertisement_id")[:POINTS]
    )
    return [Point(*row) for row in rows]


def choices(
    filters: Filters, dimension: Dimension, search: str = "", limit: int = 50
) -> list[Choice]:
    """Values of a drop-down, the largest first, as the *other* filters leave them.

    ``search`` is looked for anywhere in the name, in either case; of segments in the title.
    """
    ranked = _ranked(filters.without(dimension.parameter), dimension)
    if search:
        # In Python: SQLite knows no upper case of Cyrillic letters.
        wanted, names = search.casefold(), _segment_titles(dimension)
        ranked = [row for row in ranked if wanted in names.get(row[0], str(row[0])).casefold()]
    return [Choice(key, amount) for key, amount, _ in ranked[:limit]]


def overview(filters: Filters) -> Overview:
    """Sums and counts of what the filters let through."""
    sums = _totals(filters).aggregate(
        amount=Sum("amount"), placements=Sum("placements"), first=Min("month"), last=Max("month")
    )
    has_creative = Q(advertisement__creative__isnull=False)
    none = Q(advertisement__segment=NOT_CLASSIFIED)
    counts = _months(filters).aggregate(
        advertisements=Count("advertisement", distinct=True),
        classified=Count("advertisement", distinct=True, filter=has_creative & ~none),
        unclassified=Count("advertisement", distinct=True, filter=has_creative & none),
    )
    return Overview(
        amount=sums["amount"] or Decimal(0),
        placements=sums["placements"] or 0,
        first=sums["first"],
        last=sums["last"],
        **counts,
    )


def creatives(filters: Filters) -> Behind:
    """The creatives behind a figure, one by one: count, slices, a stream, a query."""
    return Behind(filters)


def _totals(filters: Filters) -> QuerySet[SpendTotal]:
    return SpendTotal.objects.filter(filters.on_totals()).order_by()


def _months(filters: Filters) -> QuerySet[MonthlySpend]:
    return MonthlySpend.objects.filter(filters.on_months()).order_by()


def _ranked(filters: Filters, dimension: Dimension) -> list[tuple[Any, Decimal, int]]:
    """Every key with its amount and placements, the largest first, ties by key."""
    field = "segment" if dimension is Dimension.SEGMENT else f"line__{dimension}"
    rows = _totals(filters).values_list(field).annotate(Sum("amount"), Sum("placements"))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _creatives(filters: Filters, dimension: Dimension, keys: list[Key]) -> dict[Key | None, int]:
    key = _largest(dimension, keys, "advertisement__")
    rows = _months(filters).annotate(key=key).values_list("key")
    return dict(rows.annotate(Count("advertisement", distinct=True)))


def _largest(dimension: Dimension, keys: list[Key], prefix: str = "") -> Case:
    """The key of a row if it is among these, else NULL."""
    field = f"{prefix}segment" if dimension is Dimension.SEGMENT else f"line__{dimension}"
    return Case(When(**{f"{field}__in": keys}, then=F(field)), default=Value(None))


def _months_between(filters: Filters) -> list[date]:
    ends = _totals(filters).aggregate(first=Min("month"), last=Max("month"))
    return list(_each_month(ends["first"], ends["last"])) if ends["first"] else []


def _each_month(first: date, last: date) -> Iterator[date]:
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield date(number // 12, number % 12 + 1, 1)


def _share(amount: Decimal, whole: Decimal) -> float:
    return float(amount / whole) if whole else 0.0


def _segment_titles(dimension: Dimension) -> dict[Key, str]:
    if dimension is not Dimension.SEGMENT:
        return {}
    return {segment.number: str(segment) for segment in Segment.objects.all()}
