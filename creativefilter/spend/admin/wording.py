"""Names and numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from creativefilter.creatives.models import Segment
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.exports import ColumnType
from creativefilter.spend.reports.figure_types import Dimension

_NARROW = "\u202f"


def segment_names() -> dict[int, str]:
    """Number and name of every segment, and of money without one."""
    names = {segment.number: str(segment) for segment in Segment.objects.all()}
    return {**names, NOT_CLASSIFIED: _("Not classified")}


def name_of(dimension: Dimension, key: Any, segments: Mapping[int, str]) -> str:
    """The name of a key of ``report``: None stands for all the others."""
    if key is None:
        return _("all others")
    if dimension is Dimension.SEGMENT:
        return segments[key]
    return str(key) or _("not known")


def grouped(number: Decimal | int | float, places: int = 0) -> str:
    """A number with thin spaces between its thousands (in English: commas)."""
    # Rounded here: the library cuts digits off.
    exact = Decimal(str(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = number_format(exact, places, use_l10n=True, force_grouping=True)
    return text.replace("\xa0", _NARROW)


def roubles_of(amount: Decimal) -> str:
    """Full roubles: the one place where money is rounded."""
    return grouped(amount)


def percent_of(share: float) -> str:
    return f"{grouped(100 * share, 1)}{_NARROW}%"


def short_month_of(month: date) -> str:
    return f"{MONTHS_3[month.month]} {month.year}"


def month_of(month: date) -> str:
    return f"{MONTHS[month.month]} {month.year}"


def cell_text(value: Any, kind: ColumnType) -> str:
    """A cell of a table on a page."""
    if value is None:
        return "—"
    match kind:
        case ColumnType.MONEY:
            return roubles_of(value)
        case ColumnType.COUNT:
            return grouped(value)
        case ColumnType.SHARE:
            return percent_of(value)
        case ColumnType.MONTH:
            return month_of(value)
    return str(value)
