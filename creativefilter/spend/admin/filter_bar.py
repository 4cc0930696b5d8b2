"""The filter bar above the pages of spend, and addresses of pages with filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, Min
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from creativefilter.spend.admin.wording import name_of, segment_names
from creativefilter.spend.models import SpendTotal
from creativefilter.spend.reports.figure_types import Dimension
from creativefilter.spend.reports.filters import Filters
from creativefilter.ui.formats import format_month, format_short_month


def address(view: str, filters: Filters, *arguments: Any, **more: str) -> str:
    """Return the address of a page with these filters.

    Args:
        view: Name of the URL, without "spend_".
        filters: The filters.
        arguments: Arguments of the URL.
        more: Other query parameters.
    """
    query = urlencode([*more.items(), *filters.parameters()])
    path = reverse(f"admin:spend_{view}", args=arguments)
    return f"{path}?{query}" if query else path


def filter_bar(view: str, filters: Filters, more: Mapping[str, str]) -> dict[str, Any]:
    """Return the context of ``spend/filters.html``.

    Args:
        view: Name of the page's URL, without "spend_".
        filters: The page's filters.
        more: Query parameters that changing a filter keeps, such as the tab.
    """
    names = segment_names()
    picks = []
    for dimension in Dimension:
        chosen = [
            {"value": str(key), "name": name_of(dimension, key, names)}
            for key in getattr(filters, dimension.filter_field)
        ]
        picks.append(
            {
                "parameter": dimension.parameter,
                "title": capfirst(str(dimension.label)),
                "chosen": chosen,
                "choices": address("choices", filters, dimension),
            }
        )
    return {
        "picks": picks,
        "months": _months(),
        "first": f"{filters.first:%Y-%m}" if filters.first else "",
        "last": f"{filters.last:%Y-%m}" if filters.last else "",
        "reviewed": {None: "", True: "yes", False: "no"}[filters.reviewed],
        "chips": [
            {"name": name, "address": address(view, rest, **more)}
            for name, rest in chips_of(filters, names)
        ],
        "clear": address(view, Filters(), **more),
        "more": more,
        "filters": filters,
    }


def chips_of(filters: Filters, names: Mapping[int, str]) -> list[tuple[str, Filters]]:
    """Return each condition in words, with the filters that remain without it."""
    chips = []
    if filters.first:
        chips.append((_("from %s") % format_month(filters.first), filters.without("first")))
    if filters.last:
        chips.append((_("to %s") % format_month(filters.last), filters.without("last")))
    for dimension in Dimension:
        for key in getattr(filters, dimension.filter_field):
            name = f"{dimension.label}: {name_of(dimension, key, names)}"
            chips.append((name, filters.without(dimension.filter_field, key)))
    if filters.reviewed is not None:
        name = _("reviewed by a person") if filters.reviewed else _("not reviewed")
        chips.append((name, filters.without("reviewed")))
    return chips


def _months() -> list[tuple[str, str]]:
    """Return value and name of every month from the first with spend to the last."""
    ends = SpendTotal.objects.aggregate(first=Min("month"), last=Max("month"))
    if ends["first"] is None:
        return []
    first, last = ends["first"], ends["last"]
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    months = [first.replace(year=n // 12, month=n % 12 + 1) for n in numbers]
    return [(f"{month:%Y-%m}", capfirst(format_short_month(month))) for month in months]
