"""Names of keys, and formatted cells of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from creativefilter.creatives.segments.directory import Directory
from creativefilter.sheets.write import ColumnType
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.figure_types import Dimension
from creativefilter.ui.formats import format_month, format_number, format_percent


def segment_names() -> dict[int, str]:
    """Return the name of every segment by its number, and of NOT_CLASSIFIED."""
    return names_in(Directory.read())


def names_in(directory: Directory) -> dict[int, str]:
    """Return what ``segment_names`` returns, from a directory that was read already."""
    names = {number: str(segment) for number, segment in directory.by_number.items()}
    return {**names, NOT_CLASSIFIED: _("Not classified")}


def name_of(dimension: Dimension, key: Any, segments: Mapping[int, str]) -> str:
    """Return the name of a key.

    Args:
        dimension: What the key is.
        key: The key; None for all other keys together.
        segments: Name of each segment by its number.
    """
    if key is None:
        return _("all others")
    if dimension is Dimension.SEGMENT:
        return segments[key]
    return str(key) or _("not known")


def cell_text(value: Any, kind: ColumnType) -> str:
    """Format a cell of a table for a page."""
    if value is None:
        return "—"
    match kind:
        case ColumnType.MONEY:
            return format_number(value)
        case ColumnType.COUNT:
            return format_number(value)
        case ColumnType.SHARE:
            return format_percent(value)
        case ColumnType.MONTH:
            return format_month(value)
    return str(value)
