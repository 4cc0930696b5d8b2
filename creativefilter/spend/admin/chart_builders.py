"""How each chart gets its figure and the table beside it from the figures of ``report``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.spend.admin import chart_areas, chart_figures
from creativefilter.spend.admin.chart_style import Adds, Figure, adding
from creativefilter.spend.admin.wording import name_of, segment_names
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports import expected_spend_jobs
from creativefilter.spend.reports import figures as report
from creativefilter.spend.reports.exports import Cell, Sheet
from creativefilter.spend.reports.figures import Dimension
from creativefilter.spend.reports.filters import Filters

# Keys of a chart of months; all of the market's segments and what is not classified.
_SERIES = {Dimension.SEGMENT: 20}
_LARGEST = {Dimension.SEGMENT: 20, Dimension.MEDIA_TYPE: 30}
_OTHER_SERIES, _OTHER_LARGEST = 12, 25
_DIMENSIONS = {
    Dimension.SEGMENT: gettext_lazy("segment"),
    Dimension.ADVERTISER: gettext_lazy("advertiser"),
    Dimension.BRAND: gettext_lazy("brand"),
    Dimension.MEDIA_TYPE: gettext_lazy("media type"),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with its table; ``adds`` says for each row which filter it stands for."""

    figure: Figure
    sheet: Sheet
    adds: Sequence[Adds]


def monthly(dimension: Dimension, filters: Filters) -> Drawn:
    names = segment_names()
    series = report.monthly(filters, dimension, _SERIES.get(dimension, _OTHER_SERIES))
    columns = [series.amounts[place] for place in range(len(series.keys))]
    titles = [name_of(dimension, key, names) for key in series.keys]
    if series.rest:
        columns, titles = [*columns, series.rest], [*titles, name_of(dimension, None, names)]
    rows = []
    for place, month in enumerate(series.months):
        amounts = [column[place] for column in columns]
        rows.append((month, sum(amounts, Decimal(0)), *amounts))
    heading = (
        (_("Month"), Cell.MONTH),
        (_("In all, ₽"), Cell.MONEY),
        *((title, Cell.MONEY) for title in titles),
    )
    adds = [
        [["from", f"{month:%Y-%m}"], ["to", f"{month:%Y-%m}"]] for month in series.months
    ]  # fmt: skip
    return Drawn(chart_figures.stacked(series, dimension, names), Sheet(heading, rows), adds)


def ranking(
    dimension: Dimension,
    draw: Callable[[Sequence[report.Total], Dimension, Mapping[int, str]], Figure],
    filters: Filters,
) -> Drawn:
    names = segment_names()
    totals = report.totals(filters, dimension, _LARGEST.get(dimension, _OTHER_LARGEST))
    heading = (
        (capfirst(str(_DIMENSIONS[dimension])), Cell.TEXT),
        (_("Spend, ₽"), Cell.MONEY),
        (_("Share"), Cell.SHARE),
        (_("Placements"), Cell.COUNT),
        (_("Creatives"), Cell.COUNT),
    )
    rows = [
        (name_of(dimension, one.key, names), one.amount, one.share, one.placements, one.creatives)
        for one in totals
    ]
    adds = [adding(dimension, one.key) for one in totals]
    return Drawn(draw(totals, dimension, names), Sheet(heading, rows), adds)


def years(filters: Filters) -> Drawn:
    found = report.year_over_year(filters)
    months = [capfirst(str(MONTHS[number])) for number in range(1, 13)]
    heading: list[tuple[str, Cell]] = [(_("Month"), Cell.TEXT)]
    for place, year in enumerate(found):
        heading.append((f"{year.year}, ₽", Cell.MONEY))
        if place:
            heading.append((_("%d to the year before") % year.year, Cell.SHARE))
    rows = []
    for number, name in enumerate(months if found else []):
        row: list[Any] = [name]
        for place, year in enumerate(found):
            amount = year.amounts[number]
            row.append(amount)
            if place:
                row.append(_change(found[place - 1].amounts[number], amount))
        rows.append(row)
    return Drawn(
        chart_figures.years(found, [capfirst(str(MONTHS_3[n])) for n in range(1, 13)]),
        Sheet(heading, rows),
        [[] for _month in rows],
    )


def _change(before: Decimal | None, now: Decimal | None) -> float | None:
    """Growth as a share of what was before."""
    return float(now / before - 1) if before and now is not None else None


def tree(filters: Filters) -> Drawn:
    names = segment_names()
    branches = report.tree(filters)
    heading = (
        (_("Advertiser"), Cell.TEXT),
        (_("Brand"), Cell.TEXT),
        (_("Segment"), Cell.TEXT),
        (_("Spend, ₽"), Cell.MONEY),
    )
    rows, adds = [], []
    for branch in branches:
        parts: tuple[tuple[Dimension, Any], ...] = (
            (Dimension.ADVERTISER, branch.advertiser),
            (Dimension.BRAND, branch.brand),
            (Dimension.SEGMENT, branch.segment),
        )
        rows.append((*(name_of(at, key, names) for at, key in parts), branch.amount))
        # What is left of an advertiser is no filter of its own.
        whole = branch.brand is not None
        adds.append([pair for at, key in parts for pair in adding(at, key)] if whole else [])
    return Drawn(chart_areas.treemap(branches, names), Sheet(heading, rows), adds)


def placements(filters: Filters) -> Drawn:
    names = segment_names()
    points = report.placements(filters)
    of_creatives = any(point.segment is not None for point in points)
    heading = (
        (_("Advertisement ID") if of_creatives else _("Advertiser"), Cell.TEXT),
        (_("Segment"), Cell.TEXT),
        (_("Spend, ₽"), Cell.MONEY),
        (_("Placements"), Cell.COUNT),
        (_("A placement, ₽"), Cell.MONEY),
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
    return Drawn(chart_areas.scatter(points, names), Sheet(heading, rows), adds)


def expected(filters: Filters) -> Drawn:
    names = segment_names()
    estimate = expected_spend_jobs.shown(filters)
    heading = (
        (_("Segment"), Cell.TEXT),
        (_("Expected, ₽"), Cell.MONEY),
        (_("From, ₽"), Cell.MONEY),
        (_("To, ₽"), Cell.MONEY),
        (_("Counted, ₽"), Cell.MONEY),
        (_("Of it reviewed, ₽"), Cell.MONEY),
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
    return Drawn(chart_figures.intervals(estimate.segments, names), Sheet(heading, rows), adds)
