"""Plotly figures without an axis of months or names: treemap and scatter plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from creativefilter.spend.admin.chart_style import (
    LIGHT,
    SEGMENTS,
    Adds,
    Figure,
    adding,
    colour_of,
    millions,
    short,
)
from creativefilter.spend.admin.wording import name_of
from creativefilter.spend.fields import units
from creativefilter.spend.reports.figure_types import Branch, Dimension, Point
from creativefilter.ui.formats import format_number


def treemap(branches: Sequence[Branch], names: Mapping[int, str]) -> Figure:
    """Draw advertisers, brands and segments as nested areas in proportion to their spend.

    Args:
        branches: The spend to draw.
        names: Name of each segment by its number.
    """
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
        # Integers: with floats, the parts may sum up to more than the whole, and Plotly then draws
        # nothing.
        "values": [units(node["value"]) for node in rows],
        "text": [f"{format_number(millions(node['value']), 1)} {_('mln ₽')}" for node in rows],
        "customdata": [node["adds"] for node in rows],
        "marker": {"colors": [node["colour"] for node in rows], "line": {"width": 1}},
        "branchvalues": "total",
        "maxdepth": 3,
        "tiling": {"pad": 2},
        "textfont": {"size": 12},
        "texttemplate": "%{label}<br>%{text}",
        "hovertemplate": "<b>%{label}</b><br>%{text}<extra></extra>",
    }
    layout = {
        "height": 640,
        "margin": {"t": 30, "l": 4, "r": 4, "b": 4},
        # Names that do not fit at 10 px are shown only beside the pointer.
        "uniformtext": {"minsize": 10, "mode": "hide"},
    }
    return Figure([trace], layout)


def _steps(branch: Branch, names: Mapping[int, str]) -> list[tuple[Any, str, Adds, str]]:
    """Return identity, name, filter of a click and colour of each level of a branch."""
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
    """Draw spend against the number of placements; advertisements have their segment's colour.

    Args:
        points: Advertisers or advertisements.
        names: Name of each segment by its number.
    """
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
                    else SEGMENTS[0],
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
