"""Plotly figures as plain dictionaries: what the browser draws, in millions of roubles.

Every point knows which filter a click on it adds: ``meta`` of a trace where it is the same for
all of its points, else ``customdata``; both are pairs of a parameter and its value as in the
address of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from creativefilter.spend.admin.wording import grouped, name_of, percent_of
from creativefilter.spend.fields import units
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.report import Branch, Dimension, Key, Point, Series, Total, Year
from creativefilter.spend.uncertainty import Expected

# Parameters of an address with their values: the filter that a click adds.
Adds = list[list[str]]
GREY, LIGHT = "#9ca3af", "#cbd5e1"
# By a segment's number: the same colour on every chart, neighbours far apart.
_SEGMENTS = (
    "#2563eb", "#d97706", "#0d9488", "#dc2626", "#7c3aed", "#65a30d", "#db2777", "#0891b2",
    "#92400e", "#4f46e5", "#f59e0b", "#059669", "#e11d48", "#a855f7", "#84cc16", "#be185d",
    "#06b6d4", "#b45309", "#475569",
)  # fmt: skip
# Names in the legend and along an axis; the whole name is shown beside the pointer.
_LONGEST = 34
_MILLION = Decimal(1_000_000)
_BAR = 30


@dataclass(frozen=True, slots=True)
class Figure:
    data: list[dict[str, Any]]
    layout: dict[str, Any]


def millions(amount: Decimal) -> float:
    return float(amount / _MILLION)


def short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def colour_of(dimension: Dimension, key: Any, place: int) -> str:
    if key is None:
        return LIGHT
    if dimension is Dimension.SEGMENT:
        return GREY if key == NOT_CLASSIFIED else _SEGMENTS[key % len(_SEGMENTS)]
    return _SEGMENTS[place % len(_SEGMENTS)]


def adding(dimension: Dimension, key: Key | None) -> Adds:
    return [] if key is None else [[dimension.parameter, str(key)]]


def _amount_hover(first: str) -> str:
    return f"{first}<br>%{{y:,.2f}} {_('mln ₽')}<extra></extra>"


def stacked(series: Series, dimension: Dimension, names: Mapping[int, str]) -> Figure:
    """Months side by side, keys on top of one another."""
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
    """One bar for each key, with its share of the sum beside it."""
    labels = [percent_of(one.share) for one in totals]
    return _bars(totals, dimension, names, [millions(one.amount) for one in totals], labels,
                 _("mln ₽"), "%{x:,.2f} " + _("mln ₽"))  # fmt: skip


def counts(totals: Sequence[Total], dimension: Dimension, names: Mapping[int, str]) -> Figure:
    """One bar for each key: how many creatives it has."""
    shown = [one for one in totals if one.key is not None]
    values = [one.creatives for one in shown]
    return _bars(shown, dimension, names, values, None, _("creatives"), "%{x:,}")


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
        # Places instead of names: two long names may begin alike.
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
    """A line for each year from January to December, the newest strongest."""
    data = []
    for age, year in enumerate(reversed(found)):
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": str(year.year),
                "x": list(months),
                "y": [None if a is None else millions(a) for a in year.amounts],
                "line": {"width": 3 if age == 0 else 1.75, "color": _SEGMENTS[age % 12]},
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


def treemap(branches: Sequence[Branch], names: Mapping[int, str]) -> Figure:
    """Advertiser, brand, segment: areas are roubles, leaves have their segment's colour."""
    nodes: dict[tuple[Any, ...], dict[str, Any]] = {}
    for branch in branches:
        path: tuple[Any, ...] = ()
        adds: Adds = []
        for step in _steps(branch, names):
            parent, path = path, (*path, step[0])
            adds = adds + step[2]
            node = nodes.setdefault(
                path,
                {"parent": parent, "label": step[1], "adds": adds, "value": Decimal(0),
                 "colour": step[3]},
            )  # fmt: skip
            node["value"] += branch.amount
    ids = {path: str(place) for place, path in enumerate(nodes)}
    rows = nodes.values()
    trace = {
        "type": "treemap",
        "ids": list(ids.values()),
        "parents": [ids.get(node["parent"], "") for node in rows],
        "labels": [node["label"] for node in rows],
        # Whole numbers: a float above which its parts would sum up by rounding draws nothing.
        "values": [units(node["value"]) for node in rows],
        "text": [f"{grouped(millions(node['value']), 1)} {_('mln ₽')}" for node in rows],
        "customdata": [node["adds"] for node in rows],
        "marker": {"colors": [node["colour"] for node in rows], "line": {"width": 1}},
        "branchvalues": "total",
        "maxdepth": 3,
        "tiling": {"pad": 2},
        "texttemplate": "%{label}<br>%{text}",
        "hovertemplate": "<b>%{label}</b><br>%{text}<extra></extra>",
    }
    return Figure([trace], {"height": 640, "margin": {"t": 30, "l": 4, "r": 4, "b": 4}})


def _steps(branch: Branch, names: Mapping[int, str]) -> list[tuple[Any, str, Adds, str]]:
    """From the advertiser down: identity, name, what a click adds, colour."""
    steps: list[tuple[Any, str, Adds, str]] = []
    at = ((Dimension.ADVERTISER, branch.advertiser), (Dimension.BRAND, branch.brand))
    for dimension, key in at:
        name = name_of(dimension, key, names)
        steps.append((("", key), name, adding(dimension, key), LIGHT))
    if branch.brand is not None and branch.segment is not None:
        name = name_of(Dimension.SEGMENT, branch.segment, names)
        colour = colour_of(Dimension.SEGMENT, branch.segment, 0)
        add = adding(Dimension.SEGMENT, branch.segment)
        steps.append((("segment", branch.segment), name, add, colour))
    return steps


def scatter(points: Sequence[Point], names: Mapping[int, str]) -> Figure:
    """Spend against the number of placements; creatives have the colour of their segment."""
    groups: dict[int | None, list[Point]] = {}
    for point in points:
        groups.setdefault(point.segment, []).append(point)
    data = []
    for segment, some in sorted(groups.items(), key=lambda item: (item[0] is None, item[0] or 0)):
        of_creatives = segment is not None
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": short(names[segment]) if segment is not None else _("advertisers"),
                "x": [point.placements for point in some],
                "y": [millions(point.amount) for point in some],
                "text": [point.key or _("not known") for point in some],
                "customdata": [
                    [] if of_creatives else adding(Dimension.ADVERTISER, point.key)
                    for point in some
                ],
                "meta": adding(Dimension.SEGMENT, segment) if of_creatives else [],
                "marker": {
                    "size": 9,
                    "opacity": 0.75,
                    "color": colour_of(Dimension.SEGMENT, segment, 0)
                    if of_creatives
                    else _SEGMENTS[0],
                },
                "hovertemplate": "<b>%{text}</b><br>%{y:,.2f} "
                + _("mln ₽")
                + "<br>"
                + _("placements: %s") % "%{x:,}"
                + "<extra></extra>",
            }
        )
    layout = {
        "height": 520,
        "hovermode": "closest",
        "showlegend": len(groups) > 1,
        "xaxis": {"title": {"text": _("placements")}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": _("mln ₽")}, "rangemode": "tozero"},
    }
    return Figure(data, layout)


def intervals(rows: Sequence[Expected], names: Mapping[int, str]) -> Figure:
    """What each segment probably costs, as a bar with its interval, beside what is counted."""
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
        "name": _("counted by the most probable segment"),
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
