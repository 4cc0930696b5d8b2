"""Views of the charts page: the page itself, and the data that its script requests."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from creativefilter.creatives.segments.directory import Directory, grouped
from creativefilter.jobs.models import Job
from creativefilter.spend.admin import chart_segments
from creativefilter.spend.admin.chart_catalogue import CHARTS, TABS, note_of
from creativefilter.spend.admin.downloads import as_file, downloads, file_name, form_of
from creativefilter.spend.admin.filter_bar import address, filter_bar
from creativefilter.spend.admin.notices import keep_up, note_merges, notice_of
from creativefilter.spend.admin.plotly_assets import plotly_version, words
from creativefilter.spend.admin.wording import cell_text, name_of, names_in
from creativefilter.spend.models import SpendTotal
from creativefilter.spend.reports import expected_spend, expected_spend_jobs, figures
from creativefilter.spend.reports.figure_types import Dimension
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import recount_jobs
from creativefilter.ui.formats import format_moment, format_number, format_percent
from creativefilter.ui.pages import Theme, page_context

# Rows in the table below a chart; its download has all of them.
ROWS_SHOWN = 100
CHOICES = 50


def charts(theme: Theme, request: HttpRequest) -> HttpResponse:
    """Show the page. Its script requests the charts of the tab one by one."""
    notices = keep_up()
    note_merges(request)
    filters = Filters.of(request.GET)
    asked = request.GET.get("tab", "")
    tab = asked if asked in TABS else next(iter(TABS))
    context = {
        **page_context(theme, request, _("Where the money goes")),
        "is_empty": not SpendTotal.objects.exists(),
        "tabs": [
            {"title": title, "address": address("charts", filters, tab=name), "on": name == tab}
            for name, (title, _charts) in TABS.items()
        ],
        "charts": [
            {
                "name": name,
                "title": chart.title,
                "note": note_of(name),
                "shares": chart.shares,
                "source": address("chart", filters, name),
                "downloads": downloads("table", filters, name),
            }
            for name, chart in TABS[tab][1].items()
        ],
        "overview": address("overview", filters),
        "behind": address("advertisement_changelist", filters),
        "bar": filter_bar("charts", filters, {"tab": tab}),
        "file_name": file_name("", filters),
        "words": words(),
        "plotly": reverse("admin:spend_plotly", args=[plotly_version()]),
    }
    if tab == "certainty" and not context["is_empty"]:
        context |= _certainty(filters, notices)
    context["working"] = notices
    return TemplateResponse(request, "spend/charts.html", context)


def overview(theme: Theme, request: HttpRequest) -> JsonResponse:
    """Return the numbers above the charts as JSON."""
    found = figures.overview(Filters.of(request.GET))
    period = "—"
    if found.first and found.last:
        period = f"{found.first:%m.%Y} – {found.last:%m.%Y}"
    tiles = [
        (_("Spend"), f"{format_number(found.amount)} ₽"),
        (_("Placements"), format_number(found.placements)),
        (_("Advertisement IDs"), format_number(found.advertisements)),
        (_("Classified"), format_number(found.classified)),
        (_("Not classified yet"), format_number(found.unclassified)),
        (_("No creative and no label"), format_number(found.unknown)),
        (_("Period"), period),
    ]
    return JsonResponse({"tiles": tiles})


def chart(theme: Theme, request: HttpRequest, name: str) -> JsonResponse:
    """Return the Plotly figure of a chart and its table as JSON."""
    if name not in CHARTS:
        raise Http404
    drawn = CHARTS[name].draw(Filters.of(request.GET))
    rows = list(drawn.sheet.rows)
    kinds = [kind for _title, kind in drawn.sheet.columns]
    table = {
        "columns": [title for title, _kind in drawn.sheet.columns],
        "kinds": kinds,
        "rows": [
            [cell_text(value, kind) for value, kind in zip(row, kinds, strict=True)]
            for row in rows[:ROWS_SHOWN]
        ],
        "adds": list(drawn.adds[:ROWS_SHOWN]),
        "more": max(0, len(rows) - ROWS_SHOWN),
    }
    figure = {"data": drawn.figure.data, "layout": drawn.figure.layout}
    return JsonResponse({"figure": figure, "table": table, "empty": not rows})


def table(theme: Theme, request: HttpRequest, name: str, form: str) -> HttpResponseBase:
    """Download the table of a chart."""
    if name not in CHARTS:
        raise Http404
    keep_up()
    filters, chosen = Filters.of(request.GET), form_of(form)
    drawn = CHARTS[name].draw(filters)
    return as_file(drawn.sheet, chosen, file_name(str(CHARTS[name].title), filters))


def choices(theme: Theme, request: HttpRequest, dimension: str) -> JsonResponse:
    """Return the values of a filter that contain the text ``?q=``, the largest spend first."""
    if dimension not in tuple(Dimension):
        raise Http404
    by = Dimension(dimension)
    search = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    found = figures.choices(Filters.of(request.GET), by, search, CHOICES)
    directory = Directory.read()
    names = names_in(directory)
    rows = [
        {
            "value": str(one.key),
            "name": name_of(by, one.key, names),
            "amount": f"{format_number(one.amount / 1_000_000, 1)} {_('mln ₽')}",
        }
        for one in found
    ]
    if by is Dimension.SEGMENT:
        rows = chart_segments.grouped_choices(rows, directory, bool(search))
    return JsonResponse({"choices": rows, "more": len(found) == CHOICES})


def working(theme: Theme, request: HttpRequest, pk: Any) -> JsonResponse:
    """Return the progress of a job that figures wait for, as JSON."""
    kinds = (recount_jobs.SPEND_RECOUNT.name, expected_spend_jobs.SPEND_INTERVALS.name)
    job = get_object_or_404(Job, pk=pk, kind__in=kinds)
    return JsonResponse({"final": job.is_final, "percent": job.progress})


def _certainty(filters: Filters, notices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the context of the tab "certainty"; without an estimate, an empty list of charts.

    Adds a notice to ``notices`` if a job is computing the intervals or has failed.
    """
    study, job = expected_spend_jobs.get_or_queue(filters)
    if job:
        going_on = _("The intervals are being computed in the background.")
        if study and study.made_at:
            made = format_moment(study.made_at)
            going_on = _("The intervals are of %s; newer ones are being computed.") % made
        failed = _("The intervals could not be computed.")
        notices.append(notice_of(job, going_on, failed, reload=study is None))
    return {"worth": _worth(study.worth)} if study else {"charts": []}


def _worth(worth: expected_spend.ReviewGain) -> dict[str, Any]:
    """Return the context of the list of creatives to review first."""
    directory = Directory.read()
    return {
        "narrowing": round(100 * worth.narrowing),
        "predicted": format_number(worth.predicted),
        "count": len(worth.creatives),
        "rows": [
            {
                "creative": one.creative,
                "title": one.advertisement_id or one.name,
                "segment": directory.title(one.segment),
                "criteria": directory.criteria(one.segment),
                "probability": format_percent(one.probability),
                "amount": format_number(one.amount),
                "at_stake": format_number(one.at_stake),
                "share": format_percent(one.share),
            }
            for one in worth.creatives
        ],
        "segment_groups": grouped(directory.in_use()),
    }
