"""Number of different advertisements behind a sum.

``SpendTotal`` does not know advertisements, and counting them in millions of rows of
``MonthlySpend`` takes a second, so the counts are cached.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from creativefilter.spend.models import NOT_CLASSIFIED, MonthlySpend
from creativefilter.spend.reports.answer_cache import cached
from creativefilter.spend.reports.creatives_of_figure import CreativesOfFigure
from creativefilter.spend.reports.figure_types import Dimension, Key
from creativefilter.spend.reports.filters import Filters

COUNTS = """
    SELECT key, COUNT(*) FROM (
        SELECT DISTINCT CASE WHEN l.{name} IN ({shown}) THEN l.{name} END AS key, advertisement_id
        FROM ({pairs}) pairs JOIN spend_line l ON l.id = pairs.brand_line_id
    ) apart GROUP BY key
"""


@cached
def by_key(filters: Filters, dimension: Dimension, keys: tuple[Key, ...]) -> dict[Key | None, int]:
    """Return the number of advertisements by key; None has the number for all other keys."""
    if not keys:
        return {}
    if dimension is Dimension.SEGMENT:
        spent: QuerySet[Any] = CreativesOfFigure(filters).advertisements().order_by()
        keyed = Case(When(segment__in=keys, then=F("segment")), default=Value(None))
        return dict(spent.annotate(key=keyed).values_list("key").annotate(Count("pk")))
    spent_in = MonthlySpend.objects.filter(filters.on_months()).order_by()
    months: QuerySet[Any, Any] = spent_in.values("advertisement_id", "brand_line_id").distinct()
    pairs, params = months.query.sql_with_params()
    shown = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(COUNTS.format(name=dimension, shown=shown, pairs=pairs), [*keys, *params])
        return dict(cursor.fetchall())


@cached
def by_month(filters: Filters) -> dict[date, int]:
    """Return the number of advertisements of each month, by its first day."""
    spent_in = MonthlySpend.objects.filter(filters.on_months()).order_by()
    return dict(spent_in.values_list("month").annotate(Count("advertisement", distinct=True)))


@cached
def classified(filters: Filters) -> tuple[int, int, int, int]:
    """Count the advertisements that the filters let through.

    Returns:
        The number of all, of those with a segment, of those with a creative and no segment, and of
        those with a creative.
    """
    spent = CreativesOfFigure(filters).advertisements()
    none = Q(segment=NOT_CLASSIFIED)
    found = spent.aggregate(
        all=Count("pk"),
        classified=Count("pk", filter=~none),
        unclassified=Count("creative", filter=none),
        creatives=Count("creative"),
    )
    return found["all"], found["classified"], found["unclassified"], found["creatives"]
