"""Groups and criteria of segments on charts, in their tables, and in the choices of the filter."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from django.utils.html import escape
from django.utils.translation import gettext as _

from creativefilter.creatives.segments.directory import Directory, grouped
from creativefilter.sheets.write import ColumnType, Sheet
from creativefilter.spend.admin.chart_style import DrawnChart, Figure
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.figure_types import Key

# Characters of a line of criteria beside the pointer.
_WIDTH = 60
# Height of a line of the legend, pixels.
_LINE = 22


def group_series(figure: Figure, keys: Sequence[Key], directory: Directory) -> None:
    """Group the traces of a figure in its legend, and add the criteria to what hovering shows.

    Args:
        figure: The figure; its first traces are the series of the segments.
        keys: Segments of the traces.
        directory: All segments.
    """
    for trace, key in zip(figure.data, keys, strict=False):
        group = _group(directory, key)
        trace["legendgroup"] = group
        trace["legendgrouptitle"] = {"text": group}
        trace["hovertemplate"] = trace["hovertemplate"].replace(
            "<extra>", f"{_criteria(directory, key)}<extra>"
        )
    lines = len(figure.data) + len({_group(directory, key) for key in keys})
    figure.layout["height"] = max(figure.layout["height"], _LINE * (lines + 2))
    figure.layout["legend"] = {"traceorder": "grouped", "groupclick": "toggleitem"}


def explained(chart: DrawnChart, keys: Sequence[Key | None], directory: Directory) -> DrawnChart:
    """Add a column with the group to the table of a chart, and criteria to what hovering shows.

    Args:
        chart: A chart whose traces and rows each have a place for every segment.
        keys: Segments of the rows.
        directory: All segments.
    """
    groups = [_group(directory, key) for key in keys]
    rows = [(*row, group) for row, group in zip(chart.sheet.rows, groups, strict=True)]
    for trace in chart.figure.data:
        trace["hovertext"] = [
            f"{escape(name)}{_criteria(directory, key)}"
            for name, key in zip(trace["hovertext"], keys, strict=False)
        ]
    columns = (*chart.sheet.columns, (_("Group"), ColumnType.TEXT))
    return DrawnChart(chart.figure, Sheet(columns, rows), chart.adds)


def grouped_choices(
    rows: Sequence[dict[str, Any]], directory: Directory, searched: bool
) -> list[dict[str, Any]]:
    """Return choices of the filter by group, with their criteria as titles.

    Args:
        rows: Choices with ``value``, the number of a segment.
        directory: All segments.
        searched: Whether they were searched for; otherwise retired segments are left out.
    """
    by_number = {int(row["value"]): row for row in rows}
    known = [directory.by_number[n] for n in by_number if n in directory.by_number]
    found = [
        {**by_number[one.number], "group": group, "title": one.description}
        for group, segments in grouped(known)
        for one in segments
        if searched or not one.retired_at
    ]
    rest = [row for number, row in by_number.items() if number not in directory.by_number]
    return found + rest


def _group(directory: Directory, key: Key | None) -> str:
    segment = directory.by_number.get(key) if isinstance(key, int) else None
    if segment is None:
        return "" if key is None else _("Not classified")
    return str(segment.group or _("Without a group"))


def _criteria(directory: Directory, key: Key | None) -> str:
    """Return the criteria as lines of HTML for Plotly, each after a break; "" if there are none."""
    text = directory.criteria(key) if isinstance(key, int) and key != NOT_CLASSIFIED else ""
    return "".join(f"<br>{escape(line)}" for line in textwrap.wrap(text, _WIDTH))
