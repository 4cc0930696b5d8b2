"""Figures of the charts: spend by segment, advertiser, brand, media type and month.

The database sums whole ten-thousandths of a rouble, and sums are returned as exact ``Decimal``
numbers: only pages round. Spend is summed from ``SpendTotal``, advertisements are counted in
``MonthlySpend``. Call ``totals.recount_jobs.keep_up`` once before computing the figures of a page.

An Advertisement ID without a creative, or with a demonstration creative only, counts under the
segment of its waiting label, and as not classified if there is none.
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
# One pass over the totals both ranks the keys and sums them up by month.
MONTHLY = """
    WITH sums AS MATERIALIZED ({inner}), ranked AS (
        SELECT key, ROW_NUMBER() OVER (ORDER BY SUM(units) DESC, key) AS place
        FROM sums GROUP BY key
    ), largest AS (SELECT key, place FROM ranked WHERE place <= %s)
    SELECT sums.month, largest.key, largest.place, SUM(sums.units)
    FROM sums LEFT JOIN largest ON largest.key = sums.key
    GROUP BY sums.month, largest.key, largest.place
"""
# The inner query groups by the key of the brand line: integers are grouped faster than names.
LINES = """
    SELECT {names}, SUM(sums.units), SUM(sums.counted)
    FROM ({inner}) sums JOIN spend_line l ON l.id = sums.brand_line_id GROUP BY {names}
"""


def monthly(filters: Filters, dimension: Dimension, most: int = 12) -> Series:
    """Return spend by month of the largest keys and of the rest.

    Args:
        filters: The spend to sum up.
        dimension: What the keys are.
        most: Number of keys; fewer if the chart would have more than ``POINTS`` points.
    """
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
    """Return the ``most`` largest keys, the largest first, then the rest if there is one."""
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
    """Return every month with spend in order; ``key`` is written "2023-01"."""
    sums = _totals(filters).values_list("month").annotate(Sum("amount"), Sum("placements"))
    rows = sorted(sums)
    whole = sum((amount for _, amount, _ in rows), Decimal(0))
    counts = advertisement_counts.by_month(filters)
    return [
        Total(f"{month:%Y-%m}", amount, placements, counts.get(month, 0), _share(amount, whole))
        for month, amount, placements in rows
    ]


def year_over_year(filters: Filters) -> list[Year]:
    """Return the years in order, with the months from the first with spend to the last."""
    sums = dict(_totals(filters).values_list("month").annotate(Sum("amount")))
    months = _each_month(min(sums), max(sums)) if sums else ()
    years: dict[int, list[Decimal | None]] = defaultdict(lambda: [None] * 12)
    for month in months:
        years[month.year][month.month - 1] = sums.get(month, Decimal(0))
    return [Year(year, amounts) for year, amounts in sorted(years.items())]


def tree(filters: Filters, most: int = 500) -> list[Branch]:
    """Return spend by advertiser, brand and segment, the ``most`` largest branches first.

    The remaining spend of each advertiser follows as one branch without brand and segment, so that
    the branches of an advertiser sum up to its whole spend. At most ``POINTS`` branches are
    returned.
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
    """Return spend and number of placements of each advertiser, the largest spend first.

    If the filters name advertisers or brands, return those of each advertisement instead. At most
    ``POINTS`` points are returned.
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
        if key in found  # else removed by an import between the two queries
    ]


def choices(
    filters: Filters, dimension: Dimension, search: str = "", limit: int = 50
) -> list[Choice]:
    """Return the values that a filter can take, the largest spend under the *other* filters first.

    Args:
        filters: The filters; the one of ``dimension`` is ignored.
        dimension: The filter's dimension.
        search: Text that the name (of a segment: the title) has to contain, in upper or lower case.
        limit: Number of values to return at most.
    """
    ranked = _ranked(filters.without(dimension.filter_field), dimension)
    if search:
        # In Python: SQLite compares Cyrillic letters case-sensitively.
        wanted, names = search.casefold(), _segment_titles(dimension)
        ranked = [row for row in ranked if wanted in names.get(row[0], str(row[0])).casefold()]
    return [Choice(key, amount) for key, amount, _ in ranked[:limit]]


def overview(filters: Filters) -> Overview:
    """Return sums and counts of the spend that the filters let through."""
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
    """Return the creatives behind a figure: they can be counted, sliced, streamed and queried."""
    return CreativesOfFigure(filters)


def _totals(filters: Filters) -> QuerySet[SpendTotal]:
    return SpendTotal.objects.filter(filters.on_totals()).order_by()


def _months(filters: Filters) -> QuerySet[MonthlySpend]:
    return MonthlySpend.objects.filter(filters.on_months()).order_by()


def _ranked(filters: Filters, dimension: Dimension) -> list[tuple[Any, Decimal, int]]:
    """Return every key with its amount and placements, by descending amount, then by key."""
    if dimension is Dimension.SEGMENT:
        sums = _totals(filters).values_list("segment")
        rows = list(sums.annotate(Sum("amount"), Sum("placements")))
    else:
        rows = _by_brand_lines(filters, f"l.{dimension}")
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _by_brand_lines(filters: Filters, names: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return names with their amount and placements.

    Args:
        filters: The spend to sum up.
        names: SQL of the columns to group by, of ``l`` (brand line) or ``sums``.
        columns: The columns of ``SpendTotal`` that ``names`` takes from ``sums``.
    """
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
    """Return month, key, its rank and amount; all keys past the ``most`` largest are None."""
    months = _totals(filters).values("month", key=F(_field(dimension)))
    inner, params = _sql(months.annotate(units=Sum("amount", output_field=BigIntegerField())))
    with connection.cursor() as cursor:
        cursor.execute(MONTHLY.format(inner=inner), [*params, most])
        # SQLite returns dates of subqueries as text.
        return [
            (date.fromisoformat(str(month)), key, rank, roubles(int(units)))
            for month, key, rank, units in cursor.fetchall()
        ]


def _field(dimension: Dimension) -> str:
    return "segment" if dimension is Dimension.SEGMENT else f"brand_line__{dimension}"


def _sql(query: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    return query.query.sql_with_params()


def _months_spanned(filters: Filters) -> int:
    """Return the number of months that the filters span; an end not set is that of all spend."""
    # Two queries: for MIN and MAX in one, SQLite reads the whole table instead of its index.
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
