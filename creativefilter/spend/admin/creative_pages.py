"""Views of the creatives behind a figure: the list with the spend of each, and its export."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from creativefilter.creatives.segments.directory import Directory, grouped
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.sheets.write import ColumnType, Form
from creativefilter.site.codes import sentence
from creativefilter.spend.admin.downloads import (
    as_file,
    attached,
    downloads,
    file_name,
    form_of,
)
from creativefilter.spend.admin.filter_bar import address, chips_of, filter_bar
from creativefilter.spend.admin.notices import keep_up, note_merges
from creativefilter.spend.admin.plotly_assets import words
from creativefilter.spend.admin.wording import cell_text, names_in, segment_names
from creativefilter.spend.models import SpendTotal
from creativefilter.spend.reports import export_jobs, figures
from creativefilter.spend.reports.exports import decision_of, predicted
from creativefilter.spend.reports.filters import Filters
from creativefilter.ui.formats import format_number
from creativefilter.ui.pages import Theme, page_context, person, wants_json

ROWS_A_PAGE = 100


def creatives(theme: Theme, request: HttpRequest) -> HttpResponse:
    """Show the spend of each Advertisement ID under the filters, the largest first."""
    notices = keep_up()
    filters = Filters.of(request.GET)
    listed = figures.creatives(filters)
    slices: Any = listed  # for the type checker: a paginator only needs count() and slices
    page: Page = Paginator(slices, ROWS_A_PAGE).get_page(request.GET.get("page"))
    note_merges(request)
    directory = Directory.read()
    names = names_in(directory)
    found = figures.overview(filters)
    context = {
        **page_context(theme, request, _("Creatives behind the figures")),
        "is_empty": not SpendTotal.objects.exists(),
        "words": words(),
        "working": notices,
        "rows": [
            {
                "each": each,
                "segment": names[each.segment] if each.creative or each.reviewed else "—",
                "criteria": directory.criteria(each.segment),
                "probability": cell_text(each.probability, ColumnType.SHARE),
                "decision": decision_of(each),
                "amount": format_number(each.amount),
                "placements": format_number(each.placements),
            }
            for each in page
        ],
        "page": page,
        "onward": {
            step: address("advertisement_changelist", filters, page=number)
            for step, number in _neighbours(page).items()
        },
        "amount": format_number(found.amount),
        "total": format_number(page.paginator.count),
        "without_creative": format_number(found.without_creative),
        "downloads": downloads("export", filters),
        "charts": address("charts", filters),
        "relabel": address("relabel", filters),
        "bar": filter_bar("advertisement_changelist", filters, {}),
        "may_label": request.user.has_perm("creatives.add_label"),
        "segment_groups": grouped(directory.in_use()),
    }
    return TemplateResponse(request, "spend/creatives.html", context)


def export(theme: Theme, request: HttpRequest, form: str) -> HttpResponseBase:
    """Download the list; a long one is written by a job, whose page this redirects to."""
    keep_up()
    filters, chosen = Filters.of(request.GET), form_of(form)
    if figures.creatives(filters).count() > export_jobs.AT_ONCE:
        job = export_jobs.start(filters, chosen, person(request))
        return redirect(reverse("admin:spend_exported", args=[job.pk]))
    return as_file(predicted(filters), chosen, file_name(_("Creatives"), filters))


def exported(theme: Theme, request: HttpRequest, pk: Any) -> HttpResponse:
    """Show the progress of an export job, then a link to its file; JSON for the page's script."""
    job = _export_job(request, pk)
    is_there = job.state == Job.State.DONE and export_jobs.file_of(job).is_file()
    state = {
        "final": job.is_final,
        "percent": job.progress,
        "title": job.get_state_display(),
        "message": sentence(job.error_code),
    }
    if wants_json(request):
        return JsonResponse(state)
    filters = _filters_of(job)
    context = {
        **page_context(theme, request, _("Export of creatives")),
        "state": state,
        "job": job,
        "is_there": is_there,
        "is_gone": job.state == Job.State.DONE and not is_there,
        "rows": format_number((job.result or {}).get("rows", 0)),
        "chips": [name for name, _rest in chips_of(filters, segment_names())],
        "back": address("advertisement_changelist", filters),
    }
    return TemplateResponse(request, "spend/export.html", context)


def exported_file(theme: Theme, request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Download the file of an export job."""
    job = _export_job(request, pk)
    written = export_jobs.file_of(job)
    if job.state != Job.State.DONE or not written.is_file():
        raise Http404
    form = Form(job.params["form"])
    response = FileResponse(written.open("rb"), content_type=form.content_type)
    name = file_name(_("Creatives"), _filters_of(job))
    return attached(response, f"{name}{form.suffix}")


def exported_cancel(theme: Theme, request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Cancel an export job."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    job = _export_job(request, pk)
    if not lifecycle.cancel(job):
        messages.info(request, _("The job has already ended."))
    return redirect(reverse("admin:spend_exported", args=[job.pk]))


def _export_job(request: HttpRequest, pk: Any) -> Job:
    """Return an export job of the logged-in user; exports of other users are not found."""
    kind = export_jobs.SPEND_EXPORT.name
    return get_object_or_404(Job, pk=pk, kind=kind, owner=person(request))


def _filters_of(job: Job) -> Filters:
    return Filters.of_text(job.params["query"])


def _neighbours(page: Page) -> dict[str, str]:
    """Return the numbers of the previous and the next page, if there are such pages."""
    found = {}
    if page.has_previous():
        found["before"] = str(page.previous_page_number())
    if page.has_next():
        found["after"] = str(page.next_page_number())
    return found
