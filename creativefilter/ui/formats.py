"""Formatting of numbers and dates in the current language."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime

_NARROW_SPACE = "\u202f"


def format_number(value: Decimal | int | float, places: int = 0) -> str:
    """Format a number with narrow spaces between thousands (in English: commas).

    Args:
        value: The number. Halves of the last place are rounded away from zero.
        places: Number of decimal places.
    """
    # ``number_format`` truncates instead of rounding.
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = number_format(exact, places, use_l10n=True, force_grouping=True)
    return text.replace("\xa0", _NARROW_SPACE)


def format_percent(share: float, places: int = 1) -> str:
    """Format a share, 0 to 1, as a percentage: 0.125 is "12.5 %"."""
    return f"{format_number(100 * share, places)}{_NARROW_SPACE}%"


def format_month(day: date) -> str:
    """Format the month of a day in full: "March 2021"."""
    return f"{MONTHS[day.month]} {day.year}"


def format_short_month(day: date) -> str:
    """Format the month of a day in short: "mar 2021"."""
    return f"{MONTHS_3[day.month]} {day.year}"


def format_moment(when: datetime | None) -> str:
    """Format date and time in the current time zone; None is a dash."""
    return date_format(localtime(when), "SHORT_DATETIME_FORMAT") if when else "—"
