"""The figures of the charts: where the money went, by segment, advertiser, brand and media type.

Every sum is made by the database of whole ten-thousandths of a rouble and comes out as an exact
``Decimal``: rounding is for display. Money is counted from ``SpendTotal``, advertisements from
``MonthlySpend``. ``totals.recount_jobs.keep_up`` has to be called once before the figures
of a page.

Money of an id that has no creative, or only one of the demonstration, counts under the label that
waits for its creative, else as not classified; such an id is an advertisement like any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import (
    BigIntegerField,
    F,
    Max,
    Min,
    QuerySet,
    Sum,
)

from creativefilter.creatives.models import Segment
from creativefilter.spend.fields import roubles
from creativefilter.spend.models import Advertisement, MonthlySpend, SpendTotal
from creativefilter.spend.reports import advertisement_counts
from creativefilter.spend.reports.creatives_of_figure import CreativesOfFigure
from creativefilter.spend.reports.figure_types import (
    Branch,
    Choice,
    Dimension,
    Key,
    Overview,
    Point,
    Series,
    Total,
    Year,
)
from creativefilter.spend.reports.filters import Filters

POINTS = 5_000
# One look at the totals both ranks the keys and sums them up by month.
MONTHLY = """
    WITH sums AS MATERIALIZED ({inner}), ranked AS (
        SELECT key, ROW_NUMBER() OVER (ORDER BY SUM(units) DESC, key) AS place
        FROM sums GROUP BY key
    ), largest AS (SELECT key, place FROM ranked WHERE place <= %s)
    SELECT sums.month, largest.key, largest.place, SUM(sums.units)
    FROM sums LEFT JOIN largest ON largest.key = sums.key
    GROUP BY sums.month, largest.key, largest.place
"""
# Of the totals first by the number of their brand line: numbers are grouped faster than names.
LINES = """
    SELECT {names}, SUM(sums.units), SUM(sums.counted)
    FROM ({inner}) sums JOIN spend_line l ON l.id = sums.brand_line_id GROUP BY {names}
"""


def monthly(filters: Filters, dimension: Dimension, most: int = 12) -> Series:
    """Month by month, the ``most`` largest keys; fewer where the chart had over ``POINTS``."""
    shown = max(1, min(most, POINTS // (_months_spanned(filters) or 1) - 1))
    rows = _monthly_rows(filters, dimension, shown)
    if not rows:
        return Series([], [], [], [])
    months = list(_each_month(min(row[0] for row in rows), max(row[0] for row in rows)))
    sums = {(key, month): amount for month, key, _, amount in rows}
    ranks = {rank: key for _, key, rank, _ in rows if key is not None}
    keys = [key for _, key in sorted(ranks.items())]
    nothing = Decimal(0)
    rest = [sums.get((None, month), nothing) for month in months]
    return Series(
        months,
        keys,
        [[sums.get((key, month), nothing) for month in months] for key in keys],
        rest if any(key is None for _, key, _, _ in rows) else [],
    )


def totals(filters: Filters, dimension: Dimension, most: int = 30) -> list[Total]:
    """The ``most`` largest keys, the largest first, and the rest last where there is one."""
    ranked = _ranked(filters, dimension)
    whole = sum((amount for _, amount, _ in ranked), Decimal(0))
    shown, hidden = ranked[:most], ranked[most:]
    counts = advertisement_counts.by_key(filters, dimension, tuple(key for key, _, _ in shown))
    rows: list[tuple[Key | None, Decimal, int]] = [*shown]
    if hidden:
        amount = sum((amount for _, amount, _ in hidden), Decimal(0))
        rows.append((None, amount, sum(placements for _, _, placements in hidden)))
    return [
        Total(key, amount, placements, counts.get(key, 0), _share(amount, whole))
        for key, amount, placements in rows
    ]


def by_month(filters: Filters) -> list[Total]:
    """Every month with spend, the first one first; ``key`` is written "2023-01"."""
    sums = _totals(filters).values_list("month").annotate(Sum("amount"), Sum("placements"))
    rows = sorted(sums)
    whole = sum((amount for _, amount, _ in rows), Decimal(0))
    counts = advertisement_counts.by_month(filters)
    return [
        Total(f"{month:%Y-%m}", amount, placements, counts.get(month, 0), _share(amount, whole))
        for month, amount, placements in rows
    ]


def year_over_year(filters: Filters) -> list[Year]:
    """The months of each year from the first with spend to the last, side by side."""
    sums = dict(_totals(filters).values_list("month").annotate(Sum("amount")))
    months = _each_month(min(sums), max(sums)) if sums else ()
    years: dict[int, list[Decimal | None]] = defaultdict(lambda: [None] * 12)
    for month in months:
        years[month.year][month.month - 1] = sums.get(month, Decimal(0))
    return [Year(year, amounts) for year, amounts in sorted(years.items())]


def tree(filters: Filters, most: int = 500) -> list[Branch]:
    """Advertiser, brand, segment: the ``most`` largest leaves, the largest first.

    What is left of an advertiser stands behind them as one branch without brand and segment, so
    that its branches sum up to all that it spent. Advertisers past ``POINTS`` are left out.
    """
    rows = _by_brand_lines(filters, "l.advertiser, l.brand, sums.segment", "segment")
    ranked = sorted((row[:4] for row in rows), key=lambda row: (-row[3], row[:3]))
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
    ranked = _ranked(filters, Dimension.ADVERTISER)[:POINTS]
    return [Point(name, None, amount, count) for name, amount, count in ranked]


def _placements_of_creatives(filters: Filters) -> list[Point]:
    rows = list(creatives(filters).sums()[:POINTS])
    found = Advertisement.objects.in_bulk([key for key, _, _ in rows])
    return [
        Point(found[key].advertisement_id, found[key].segment, amount, count)
        for key, amount, count in rows
    ]


def choices(
    filters: Filters, dimension: Dimension, search: str = "", limit: int = 50
) -> list[Choice]:
    """Values of a drop-down, the largest first, as the *other* filters leave them.

    ``search`` is looked for anywhere in the name, in either case; of segments in the title.
    """
    ranked = _ranked(filters.without(dimension.filter_field), dimension)
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
    advertisements, classified, unclassified, with_creative = advertisement_counts.classified(
        filters
    )
    return Overview(
        amount=sums["amount"] or Decimal(0),
        placements=sums["placements"] or 0,
        first=sums["first"],
        last=sums["last"],
        advertisements=advertisements,
        classified=classified,
        unclassified=unclassified,
        with_creative=with_creative,
    )


def creatives(filters: Filters) -> CreativesOfFigure:
    """The creatives behind a figure, one by one: count, slices, a stream, a query."""
    return CreativesOfFigure(filters)


def _totals(filters: Filters) -> QuerySet[SpendTotal]:
    return SpendTotal.objects.filter(filters.on_totals()).order_by()


def _months(filters: Filters) -> QuerySet[MonthlySpend]:
    return MonthlySpend.objects.filter(filters.on_months()).order_by()


def _ranked(filters: Filters, dimension: Dimension) -> list[tuple[Any, Decimal, int]]:
    """Every key with its amount and placements, the largest first, ties by key."""
    if dimension is Dimension.SEGMENT:
        sums = _totals(filters).values_list("segment")
        rows = list(sums.annotate(Sum("amount"), Sum("placements")))
    else:
        rows = _by_brand_lines(filters, f"l.{dimension}")
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _by_brand_lines(filters: Filters, names: str, *columns: str) -> list[tuple[Any, ...]]:
    """The ``names`` with amount and placements; ``columns`` of the totals among them."""
    units = Sum("amount", output_field=BigIntegerField())
    totals = _totals(filters).values("brand_line_id", *columns)
    inner, params = _sql(totals.annotate(units=units, counted=Sum("placements")))
    with connection.cursor() as cursor:
        cursor.execute(LINES.format(names=names, inner=inner), params)
        return [
            (*key, roubles(int(units)), int(counted)) for *key, units, counted in cursor.fetchall()
        ]


def _monthly_rows(
    filters: Filters, dimension: Dimension, most: int
) -> list[tuple[date, Key | None, int, Decimal]]:
    """Month, key, its rank, amount; the key is None for all keys past the ``most``."""
    months = _totals(filters).values("month", key=F(_field(dimension)))
    inner, params = _sql(months.annotate(units=Sum("amount", output_field=BigIntegerField())))
    with connection.cursor() as cursor:
        cursor.execute(MONTHLY.format(inner=inner), [*params, most])
        # SQLite gives dates of its subqueries as text.
        return [
            (date.fromisoformat(str(month)), key, rank, roubles(int(units)))
            for month, key, rank, units in cursor.fetchall()
        ]


def _field(dimension: Dimension) -> str:
    return "segment" if dimension is Dimension.SEGMENT else f"brand_line__{dimension}"


def _sql(query: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    return query.query.sql_with_params()


def _months_spanned(filters: Filters) -> int:
    """At most so many months come out: those of all spend, without looking at the filters."""
    # One by one: both at once SQLite reads from the whole table instead of its index.
    ends = [SpendTotal.objects.aggregate(end=end("month"))["end"] for end in (Min, Max)]
    first, last = filters.first or ends[0], filters.last or ends[1]
    return (last.year - first.year) * 12 + last.month - first.month + 1 if ends[0] else 0


def _each_month(first: date, last: date) -> Iterator[date]:
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield date(number // 12, number % 12 + 1, 1)


def _share(amount: Decimal, whole: Decimal) -> float:
    return float(amount / whole) if whole else 0.0


def _segment_titles(dimension: Dimension) -> dict[Key, str]:
    if dimension is not Dimension.SEGMENT:
        return {}
    return {segment.number: str(segment) for segment in Segment.objects.all()}
