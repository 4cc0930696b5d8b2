"""What the pages of spend have in common: the filters above them, and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, Min
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from creativefilter.jobs.models import Job
from creativefilter.spend.admin.wording import (
    month_of,
    name_of,
    segment_names,
    short_month_of,
)
from creativefilter.spend.models import SpendTotal
from creativefilter.spend.reports.figures import Dimension
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import recount_jobs

# Pages are drawn by an admin of the theme, of which nothing is known to the type checker.
Theme = Any

_FIELDS = {
    Dimension.SEGMENT: "segments",
    Dimension.ADVERTISER: "advertisers",
    Dimension.BRAND: "brands",
    Dimension.MEDIA_TYPE: "media_types",
}


def address(view: str, filters: Filters, *arguments: Any, **more: str) -> str:
    """A page of these filters."""
    query = urlencode([*more.items(), *filters.parameters()])
    path = reverse(f"admin:spend_{view}", args=arguments)
    return f"{path}?{query}" if query else path


def dimension_names() -> dict[Dimension, str]:
    return {
        Dimension.SEGMENT: _("segment"),
        Dimension.ADVERTISER: _("advertiser"),
        Dimension.BRAND: _("brand"),
        Dimension.MEDIA_TYPE: _("media type"),
    }


def filter_bar(view: str, filters: Filters, more: Mapping[str, str]) -> dict[str, Any]:
    """The context of ``spend/filters.html``; ``more`` are parameters that stay as they are."""
    names = segment_names()
    picks = []
    for dimension, title in dimension_names().items():
        chosen = [
            {"value": str(key), "name": name_of(dimension, key, names)}
            for key in getattr(filters, _FIELDS[dimension])
        ]
        picks.append(
            {
                "parameter": dimension.parameter,
                "title": capfirst(title),
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
    """Each filter in words, with what is left without it."""
    chips = []
    if filters.first:
        chips.append((_("from %s") % month_of(filters.first), filters.without("from")))
    if filters.last:
        chips.append((_("to %s") % month_of(filters.last), filters.without("to")))
    for dimension in Dimension:
        for key in getattr(filters, _FIELDS[dimension]):
            name = f"{dimension_names()[dimension]}: {name_of(dimension, key, names)}"
            chips.append((name, filters.without(dimension.parameter, key)))
    if filters.reviewed is not None:
        name = _("reviewed by a person") if filters.reviewed else _("not reviewed")
        chips.append((name, filters.without("reviewed")))
    return chips


def _months() -> list[tuple[str, str]]:
    """Value and name of every month from the first with spend to the last."""
    ends = SpendTotal.objects.aggregate(first=Min("month"), last=Max("month"))
    if ends["first"] is None:
        return []
    first, last = ends["first"], ends["last"]
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    months = [first.replace(year=n // 12, month=n % 12 + 1) for n in numbers]
    return [(f"{month:%Y-%m}", capfirst(short_month_of(month))) for month in months]


def keep_up(request: HttpRequest) -> list[dict[str, Any]]:
    """Brings the totals up to date; what the page has to say of it where that takes long."""
    job = recount_jobs.keep_up()
    if job is None:
        return []
    return [
        notice_of(
            job,
            _("Segments of many creatives have changed; the figures are being brought up to date."),
            _("The figures could not be brought up to date: some segments are those of before."),
        )
    ]


def notice_of(job: Job, going_on: str, failed: str, *, reload: bool = False) -> dict[str, Any]:
    """The context of ``spend/working.html`` for a job that figures wait for.

    ``reload``: the page loads again by itself when the job has ended.
    """
    has_failed = job.state == Job.State.FAILED
    return {
        "text": failed if has_failed else going_on,
        "failed": has_failed,
        "percent": job.progress,
        "source": reverse("admin:spend_working", args=[job.pk]),
        "reload": reload,
    }


def page_context(theme: Theme, request: HttpRequest, title: str) -> dict[str, Any]:
    """What the theme needs on every page."""
    return {
        **theme.admin_site.each_context(request),
        "title": title,
        "media": theme.media,
    }
