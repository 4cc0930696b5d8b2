"""Plotly figures made of plain dictionaries. Amounts are in millions of roubles.

Every point has the filter that a click on it adds: in ``meta`` of its trace if all points of the
trace add the same, else in ``customdata``. A filter is a list of pairs of a query parameter and its
value: ``meta`` is one filter, ``customdata`` has one for each point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from creativefilter.spend.admin.chart_style import (
    GREY,
    SEGMENTS,
    Adds,
    Figure,
    adding,
    colour_of,
    millions,
    short,
)
from creativefilter.spend.admin.wording import name_of
from creativefilter.spend.reports.expected_spend import ExpectedSpend
from creativefilter.spend.reports.figure_types import Dimension, Key, Series, Total, Year
from creativefilter.ui.formats import format_percent

# Height of the row of a horizontal bar, including the gap, in pixels.
_BAR = 30


def _amount_hover(first: str) -> str:
    return f"{first}<br>%{{y:,.2f}} {_('mln ₽')}<extra></extra>"


def stacked(series: Series, dimension: Dimension, names: Mapping[int, str]) -> Figure:
    """Draw a stacked bar for each month.

    Args:
        series: Spend by month and key.
        dimension: What the keys are.
        names: Name of each segment by its number.
    """
    rows: list[tuple[Key | None, Sequence[Decimal]]] = [
        *zip(series.keys, series.amounts, strict=True)
    ]
    if series.rest:
        rows.append((None, series.rest))
    months = [month.isoformat() for month in series.months]
    data = []
    for place, (key, amounts) in enumerate(rows):
        name = name_of(dimension, key, names)
        data.append(
            {
                "type": "bar",
                "name": short(name),
                "x": months,
                "y": [millions(amount) for amount in amounts],
                "marker": {"color": colour_of(dimension, key, place)},
                "meta": adding(dimension, key),
                "hovertemplate": _amount_hover(f"<b>{name}</b><br>%{{x|%B %Y}}"),
            }
        )
    layout = {
        "barmode": "stack",
        "bargap": 0.15,
        "height": 460,
        "xaxis": {"type": "date", "tickformat": "%m.%Y", "hoverformat": "%B %Y"},
        "yaxis": {"title": {"text": _("mln ₽")}},
        "legend": {"traceorder": "normal"},
    }
    return Figure(data, layout)


def ranking(totals: Sequence[Total], dimension: Dimension, names: Mapping[int, str]) -> Figure:
    """Draw a horizontal bar for the spend of each key, labelled with its share of the sum.

    Args:
        totals: Spend of each key.
        dimension: What the keys are.
        names: Name of each segment by its number.
    """
    labels = [format_percent(one.share) for one in totals]
    return _bars(totals, dimension, names, [millions(one.amount) for one in totals], labels,
                 _("mln ₽"), "%{x:,.2f} " + _("mln ₽"))  # fmt: skip


def counts(totals: Sequence[Total], dimension: Dimension, names: Mapping[int, str]) -> Figure:
    """Draw a horizontal bar for the number of Advertisement IDs of each key.

    Args:
        totals: Counts of each key; the rest, whose key is None, is left out.
        dimension: What the keys are.
        names: Name of each segment by its number.
    """
    shown = [one for one in totals if one.key is not None]
    values = [one.advertisements for one in shown]
    return _bars(shown, dimension, names, values, None, _("Advertisement IDs"), "%{x:,}")


def _bars(
    totals: Sequence[Total],
    dimension: Dimension,
    names: Mapping[int, str],
    values: Sequence[float],
    labels: Sequence[str] | None,
    unit: str,
    hover: str,
) -> Figure:
    full = [name_of(dimension, one.key, names) for one in totals]
    trace: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        # Positions instead of names: two shortened names may be equal.
        "y": list(range(len(full))),
        "x": values,
        "hovertext": full,
        "marker": {"color": [colour_of(dimension, o.key, n) for n, o in enumerate(totals)]},
        "customdata": [adding(dimension, one.key) for one in totals],
        "hovertemplate": f"<b>%{{hovertext}}</b><br>{hover}<extra></extra>",
    }
    if labels is None:
        trace |= {"texttemplate": "%{x:,}"}
    else:
        trace |= {"text": labels}
    trace |= {"textposition": "outside", "cliponaxis": False, "textangle": 0}
    layout = {
        "height": 90 + _BAR * max(2, len(full)),
        "bargap": 0.3,
        "showlegend": False,
        "yaxis": {
            "autorange": "reversed",
            "tickvals": list(range(len(full))),
            "ticktext": [short(name) for name in full],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
        },
        "xaxis": {"title": {"text": unit}, "automargin": True, "rangemode": "tozero"},
        "margin": {"r": 64},
    }
    return Figure([trace], layout)


def years(found: Sequence[Year], months: Sequence[str]) -> Figure:
    """Draw a line for each year from January to December, the newest year the thickest.

    Args:
        found: Spend of each year, the oldest first.
        months: Names of the twelve months, January first.
    """
    data = []
    for age, year in enumerate(reversed(found)):
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": str(year.year),
                "x": list(months),
                "y": [None if a is None else millions(a) for a in year.amounts],
                "line": {"width": 3 if age == 0 else 1.75, "color": SEGMENTS[age % len(SEGMENTS)]},
                "marker": {"size": 7},
                "customdata": [_month_alone(year.year, month) for month in range(1, 13)],
                "hovertemplate": _amount_hover(f"<b>%{{x}} {year.year}</b>"),
            }
        )
    layout = {
        "height": 440,
        "xaxis": {"type": "category", "categoryarray": list(months), "categoryorder": "array"},
        "yaxis": {"title": {"text": _("mln ₽")}, "rangemode": "tozero"},
        "showlegend": True,
        "legend": {"traceorder": "normal"},
    }
    return Figure(data, layout)


def _month_alone(year: int, month: int) -> Adds:
    text = f"{year:04d}-{month:02d}"
    return [["from", text], ["to", text]]


def intervals(rows: Sequence[ExpectedSpend], names: Mapping[int, str]) -> Figure:
    """Draw the expected spend of each segment with its interval, and its counted spend.

    Args:
        rows: Expected spend of each segment.
        names: Name of each segment by its number.
    """
    places = list(range(len(rows)))
    adds = [adding(Dimension.SEGMENT, row.segment) for row in rows]
    full = [names[row.segment] for row in rows]
    hover = "<b>%{hovertext}</b><br>%{fullData.name}: %{x:,.2f} " + _("mln ₽") + "<extra></extra>"
    bar = {
        "type": "bar",
        "orientation": "h",
        "name": _("expected, with its interval"),
        "y": places,
        "x": [millions(row.expected) for row in rows],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [millions(row.high - row.expected) for row in rows],
            "arrayminus": [millions(row.expected - row.low) for row in rows],
            "thickness": 1.75,
            "width": 5,
        },
        "marker": {
            "color": [colour_of(Dimension.SEGMENT, row.segment, 0) for row in rows],
            "opacity": 0.65,
        },
        "hovertext": full,
        "customdata": adds,
        "hovertemplate": hover,
    }
    counted = {
        "type": "scatter",
        "mode": "markers",
        "name": _("counted by label or most probable segment"),
        "y": places,
        "x": [millions(row.counted) for row in rows],
        "marker": {"symbol": "diamond", "size": 10, "color": GREY, "line": {"width": 1}},
        "hovertext": full,
        "customdata": adds,
        "hovertemplate": hover,
    }
    layout = {
        "height": 130 + _BAR * max(2, len(rows)),
        "bargap": 0.35,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        "margin": {"t": 40},
        "yaxis": {
            "autorange": "reversed",
            "tickvals": places,
            "ticktext": [short(name) for name in full],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
        },
        "xaxis": {"title": {"text": _("mln ₽")}, "automargin": True, "rangemode": "tozero"},
    }
    return Figure([bar, counted], layout)
