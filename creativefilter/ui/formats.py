"""Numbers and dates in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime

_NARROW_SPACE = "\u202f"


def format_number(value: Decimal | int | float, places: int = 0) -> str:
    """A number with narrow spaces between its thousands (in English: commas).

    Args:
        value: The number; half a unit of the last place is rounded up.
        places: Digits behind the decimal mark.
    """
    # Rounded here: the library cuts digits off.
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = number_format(exact, places, use_l10n=True, force_grouping=True)
    return text.replace("\xa0", _NARROW_SPACE)


def format_percent(share: float, places: int = 1) -> str:
    """A share of 1 in per cent: 0.125 is "12.5 %"."""
    return f"{format_number(100 * share, places)}{_NARROW_SPACE}%"


def format_month(day: date) -> str:
    """The month of a day in full: "March 2021"."""
    return f"{MONTHS[day.month]} {day.year}"


def format_short_month(day: date) -> str:
    """The month of a day, shortened: "mar 2021"."""
    return f"{MONTHS_3[day.month]} {day.year}"


def format_moment(when: datetime | None) -> str:
    """Day and time of day; a dash for None."""
    return date_format(localtime(when), "SHORT_DATETIME_FORMAT") if when else "—"
