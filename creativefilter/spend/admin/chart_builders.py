"""Builders of the charts: each returns a Plotly figure and the table below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from creativefilter.creatives.segments.directory import Directory
from creativefilter.sheets.write import ColumnType, Sheet
from creativefilter.spend.admin import chart_areas, chart_figures, chart_segments
from creativefilter.spend.admin.chart_style import DrawnChart, Figure, adding
from creativefilter.spend.admin.wording import name_of, names_in, segment_names
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports import expected_spend_jobs, figures
from creativefilter.spend.reports.figure_types import Dimension, Total
from creativefilter.spend.reports.filters import Filters

# Number of keys in charts by month and in rankings. Segments are all shown.
_SERIES = 12
_LARGEST = {Dimension.MEDIA_TYPE: 30}
_OTHER_LARGEST = 25


def monthly(dimension: Dimension, filters: Filters) -> DrawnChart:
    """Build the chart of spend by month and key."""
    directory = Directory.read()
    names = names_in(directory)
    of_segments = dimension is Dimension.SEGMENT
    series = figures.monthly(filters, dimension, len(names) if of_segments else _SERIES)
    columns = [series.amounts[place] for place in range(len(series.keys))]
    titles = [name_of(dimension, key, names) for key in series.keys]
    if series.rest:
        columns, titles = [*columns, series.rest], [*titles, name_of(dimension, None, names)]
    rows = []
    for place, month in enumerate(series.months):
        amounts = [column[place] for column in columns]
        rows.append((month, sum(amounts, Decimal(0)), *amounts))
    heading = (
        (_("Month"), ColumnType.MONTH),
        (_("Total, ₽"), ColumnType.MONEY),
        *((title, ColumnType.MONEY) for title in titles),
    )
    adds = [
        [["from", f"{month:%Y-%m}"], ["to", f"{month:%Y-%m}"]] for month in series.months
    ]  # fmt: skip
    figure = chart_figures.stacked(series, dimension, names)
    if of_segments:
        chart_segments.group_series(figure, series.keys, directory)
    return DrawnChart(figure, Sheet(heading, rows), adds)


def ranking(
    dimension: Dimension,
    draw: Callable[[Sequence[Total], Dimension, Mapping[int, str]], Figure],
    filters: Filters,
) -> DrawnChart:
    """Build the chart of the largest keys of a dimension.

    Args:
        dimension: What the keys are.
        draw: Makes the figure from totals, dimension and names of segments.
        filters: The spend to show.
    """
    directory = Directory.read()
    names = names_in(directory)
    of_segments = dimension is Dimension.SEGMENT
    most = len(names) if of_segments else _LARGEST.get(dimension, _OTHER_LARGEST)
    totals = figures.totals(filters, dimension, most)
    heading = (
        (capfirst(str(dimension.label)), ColumnType.TEXT),
        (_("Spend, ₽"), ColumnType.MONEY),
        (_("Share"), ColumnType.SHARE),
        (_("Placements"), ColumnType.COUNT),
        (_("Advertisement IDs"), ColumnType.COUNT),
    )
    rows = [
        (
            name_of(dimension, one.key, names),
            one.amount,
            one.share,
            one.placements,
            one.advertisements,
        )
        for one in totals
    ]
    adds = [adding(dimension, one.key) for one in totals]
    drawn = DrawnChart(draw(totals, dimension, names), Sheet(heading, rows), adds)
    keys = [one.key for one in totals]
    return chart_segments.explained(drawn, keys, directory) if of_segments else drawn


def years(filters: Filters) -> DrawnChart:
    """Build the chart that compares the months of several years."""
    found = figures.year_over_year(filters)
    months = [capfirst(str(MONTHS[number])) for number in range(1, 13)]
    heading: list[tuple[str, ColumnType]] = [(_("Month"), ColumnType.TEXT)]
    for place, year in enumerate(found):
        heading.append((f"{year.year}, ₽", ColumnType.MONEY))
        if place:
            heading.append((_("%d compared with the year before") % year.year, ColumnType.SHARE))
    rows = []
    for number, name in enumerate(months if found else []):
        row: list[Any] = [name]
        for place, year in enumerate(found):
            amount = year.amounts[number]
            row.append(amount)
            if place:
                row.append(_change(found[place - 1].amounts[number], amount))
        rows.append(row)
    return DrawnChart(
        chart_figures.years(found, [capfirst(str(MONTHS_3[n])) for n in range(1, 13)]),
        Sheet(heading, rows),
        [[] for _month in rows],
    )


def _change(before: Decimal | None, now: Decimal | None) -> float | None:
    """Return the growth as a share of the earlier amount; None if either is missing."""
    return float(now / before - 1) if before and now is not None else None


def tree(filters: Filters) -> DrawnChart:
    """Build the treemap of advertisers, brands and segments."""
    names = segment_names()
    branches = figures.tree(filters)
    heading = (
        (_("Advertiser"), ColumnType.TEXT),
        (_("Brand"), ColumnType.TEXT),
        (_("Segment"), ColumnType.TEXT),
        (_("Spend, ₽"), ColumnType.MONEY),
    )
    rows, adds = [], []
    for branch in branches:
        parts: tuple[tuple[Dimension, Any], ...] = (
            (Dimension.ADVERTISER, branch.advertiser),
            (Dimension.BRAND, branch.brand),
            (Dimension.SEGMENT, branch.segment),
        )
        rows.append((*(name_of(at, key, names) for at, key in parts), branch.amount))
        # There is no filter for the remaining spend of an advertiser.
        whole = branch.brand is not None
        adds.append([pair for at, key in parts for pair in adding(at, key)] if whole else [])
    return DrawnChart(chart_areas.treemap(branches, names), Sheet(heading, rows), adds)


def placements(filters: Filters) -> DrawnChart:
    """Build the chart of spend against the number of placements."""
    names = segment_names()
    points = figures.placements(filters)
    of_creatives = any(point.segment is not None for point in points)
    heading = (
        (_("Advertisement ID") if of_creatives else _("Advertiser"), ColumnType.TEXT),
        (_("Segment"), ColumnType.TEXT),
        (_("Spend, ₽"), ColumnType.MONEY),
        (_("Placements"), ColumnType.COUNT),
        (_("Per placement, ₽"), ColumnType.MONEY),
    )
    rows = [
        (
            point.key or _("not known"),
            None if point.segment is None else names[point.segment],
            point.amount,
            point.placements,
            point.amount / point.placements if point.placements else None,
        )
        for point in points
    ]
    adds = [[] if of_creatives else adding(Dimension.ADVERTISER, point.key) for point in points]
    return DrawnChart(chart_areas.scatter(points, names), Sheet(heading, rows), adds)


def expected(filters: Filters) -> DrawnChart:
    """Build the chart of expected spend by segment, with intervals."""
    directory = Directory.read()
    names = names_in(directory)
    estimate = expected_spend_jobs.latest(filters)
    heading = (
        (_("Segment"), ColumnType.TEXT),
        (_("Expected, ₽"), ColumnType.MONEY),
        (_("From, ₽"), ColumnType.MONEY),
        (_("To, ₽"), ColumnType.MONEY),
        (_("Counted, ₽"), ColumnType.MONEY),
        (_("Reviewed part, ₽"), ColumnType.MONEY),
    )
    rows: list[tuple[Any, ...]] = [
        (names[r.segment], r.expected, r.low, r.high, r.counted, r.certain)
        for r in estimate.segments
    ]
    adds = [adding(Dimension.SEGMENT, row.segment) for row in estimate.segments]
    if estimate.not_classified:
        left = NOT_CLASSIFIED
        rows.append((names[left], None, None, None, estimate.not_classified, None))
        adds.append(adding(Dimension.SEGMENT, left))
    figure = chart_figures.intervals(estimate.segments, names)
    keys = [row.segment for row in estimate.segments]
    keys += [NOT_CLASSIFIED] if estimate.not_classified else []
    return chart_segments.explained(DrawnChart(figure, Sheet(heading, rows), adds), keys, directory)
