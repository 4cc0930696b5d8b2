"""Shared parts of all figures: colours, short names, millions, and filters that clicks add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from creativefilter.sheets.write import Sheet
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.figure_types import Dimension, Key

# The filter that a click adds: pairs of a query parameter and its value.
Adds = list[list[str]]
GREY, LIGHT = "#9ca3af", "#cbd5e1"
# Colours by a segment's number, the same on every chart; neighbouring numbers differ clearly. The
# colours repeat after the last one.
SEGMENTS = (
    "#2563eb", "#d97706", "#0d9488", "#dc2626", "#7c3aed", "#65a30d", "#db2777", "#0891b2",
    "#92400e", "#4f46e5", "#f59e0b", "#059669", "#e11d48", "#a855f7", "#84cc16", "#be185d",
    "#06b6d4", "#b45309", "#475569", "#15803d", "#9333ea", "#ca8a04", "#0369a1", "#f472b6",
)  # fmt: skip
# The most characters of a name in legends and on axes; hovering shows the full name.
_LONGEST = 34
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Figure:
    """Data and layout of a Plotly figure."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A chart with its table.

    ``adds`` has one filter for each row of the table: the one that the row stands for, [] if none.
    """

    figure: Figure
    sheet: Sheet
    adds: Sequence[Adds]


def millions(amount: Decimal) -> float:
    """Convert roubles to millions of roubles."""
    return float(amount / _MILLION)


def short(name: str) -> str:
    """Shorten a name for a legend or an axis."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def colour_of(dimension: Dimension, key: Any, place: int) -> str:
    """Return the colour of a key.

    Args:
        dimension: What the key is.
        key: The key; None for all other keys together.
        place: Position of the key in the chart, which decides the colour of keys other than
            segments.
    """
    if key is None:
        return LIGHT
    if dimension is Dimension.SEGMENT:
        return GREY if key == NOT_CLASSIFIED else SEGMENTS[key % len(SEGMENTS)]
    return SEGMENTS[place % len(SEGMENTS)]


def adding(dimension: Dimension, key: Key | None) -> Adds:
    """Return the filter that a click on a key adds; none for all other keys together."""
    return [] if key is None else [[dimension.parameter, str(key)]]
