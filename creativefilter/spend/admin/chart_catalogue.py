"""Catalogue of the charts: tabs, titles, notes and builders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from creativefilter.spend.admin import chart_builders, chart_figures
from creativefilter.spend.admin.chart_style import DrawnChart
from creativefilter.spend.reports.figure_types import Dimension
from creativefilter.spend.reports.filters import Filters


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of the catalogue.

    Attributes:
        title: Title of the chart.
        note: Text below the chart.
        draw: Builder, which queries the database.
        shares: Whether the chart can also be shown in percent.
    """

    title: str | Promise
    note: str | Promise
    draw: Callable[[Filters], DrawnChart]
    shares: bool = False


_BY_MONTH = gettext_lazy(
    "Click a name in the legend to hide its series; double-click it to show only that series."
)
_SHARES = gettext_lazy("Percentages are shares of everything that matches the filters.")


def _pair(dimension: Dimension, by_month: Promise, largest: Promise) -> dict[str, Chart]:
    """Return the two charts that every dimension has: by month, and the largest keys."""
    return {
        f"months-{dimension}": Chart(
            by_month, _BY_MONTH, partial(chart_builders.monthly, dimension), True
        ),
        f"totals-{dimension}": Chart(
            largest, _SHARES, partial(chart_builders.ranking, dimension, chart_figures.ranking)
        ),
    }


TABS: dict[str, tuple[str | Promise, dict[str, Chart]]] = {
    "segments": (
        gettext_lazy("By segment"),
        {
            **_pair(
                Dimension.SEGMENT,
                gettext_lazy("Spend by segment, month by month"),
                gettext_lazy("Spend by segment"),
            ),
            "creatives-segment": Chart(
                gettext_lazy("Creatives by segment"),
                gettext_lazy("Every Advertisement ID counts, with a creative or without."),
                partial(chart_builders.ranking, Dimension.SEGMENT, chart_figures.counts),
            ),
        },
    ),
    "advertisers": (
        gettext_lazy("By advertiser"),
        _pair(
            Dimension.ADVERTISER,
            gettext_lazy("Spend by advertiser, month by month"),
            gettext_lazy("Largest advertisers"),
        ),
    ),
    "brands": (
        gettext_lazy("By brand"),
        _pair(
            Dimension.BRAND,
            gettext_lazy("Spend by brand, month by month"),
            gettext_lazy("Largest brands"),
        ),
    ),
    "media": (
        gettext_lazy("By media type"),
        _pair(
            Dimension.MEDIA_TYPE,
            gettext_lazy("Spend by media type, month by month"),
            gettext_lazy("Spend by media type"),
        ),
    ),
    "years": (
        gettext_lazy("Year over year"),
        {
            "years": Chart(
                gettext_lazy("Months of each year"),
                gettext_lazy("Each point is a month: click it to show only that month."),
                chart_builders.years,
            )
        },
    ),
    "structure": (
        gettext_lazy("Structure"),
        {
            "tree": Chart(
                gettext_lazy("Advertiser, brand, segment"),
                gettext_lazy("The 500 largest areas; what is smaller is «all others»."),
                chart_builders.tree,
            ),
            "placements": Chart(
                gettext_lazy("Spend and number of placements"),
                gettext_lazy(
                    "Each point is an advertiser or, if an advertiser or brand is chosen, a "
                    "creative."
                ),
                chart_builders.placements,
            ),
        },
    ),
    "certainty": (
        gettext_lazy("How certain the figures are"),
        {
            "expected": Chart(
                gettext_lazy("Expected spend by segment"),
                gettext_lazy(
                    "A label is certain, a prediction counts by its probabilities. The true sum "
                    "lies within the interval in %d cases of 100 if the probabilities are right "
                    "and creatives are misjudged independently of one another."
                ),
                chart_builders.expected,
            )
        },
    ),
}
CHARTS = {name: chart for _title, charts in TABS.values() for name, chart in charts.items()}


def note_of(name: str) -> str:
    """Return the note below a chart."""
    note = str(CHARTS[name].note)
    if name != "expected":
        return note
    # Imported here: the module loads numpy, which the other charts do not need.
    from creativefilter.spend.reports.simulation import COVERAGE

    return note % round(100 * COVERAGE)
