"""What all figures share: colours, short names, millions, and the filter that a click adds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.figure_types import Dimension, Key

# Parameters of an address with their values: the filter that a click adds.
Adds = list[list[str]]
GREY, LIGHT = "#9ca3af", "#cbd5e1"
# By a segment's number: the same colour on every chart, neighbours far apart.
SEGMENTS = (
    "#2563eb", "#d97706", "#0d9488", "#dc2626", "#7c3aed", "#65a30d", "#db2777", "#0891b2",
    "#92400e", "#4f46e5", "#f59e0b", "#059669", "#e11d48", "#a855f7", "#84cc16", "#be185d",
    "#06b6d4", "#b45309", "#475569",
)  # fmt: skip
# Names in the legend and along an axis; the whole name is shown beside the pointer.
_LONGEST = 34
_MILLION = Decimal(1_000_000)


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
        return GREY if key == NOT_CLASSIFIED else SEGMENTS[key % len(SEGMENTS)]
    return SEGMENTS[place % len(SEGMENTS)]


def adding(dimension: Dimension, key: Key | None) -> Adds:
    return [] if key is None else [[dimension.parameter, str(key)]]
