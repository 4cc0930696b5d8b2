"""One segment for all creatives of a filtered list: look, decide, and undo if it was wrong."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from creativefilter.creatives import relabelling
from creativefilter.creatives.admin.creative import person
from creativefilter.creatives.models import Creative, LabelBatch, Segment
from creativefilter.spend import report, segments
from creativefilter.spend.admin.page import Theme, address, chips_of, page_context
from creativefilter.spend.admin.wording import grouped, roubles_of, segment_names
from creativefilter.spend.filters import Filters
from creativefilter.spend.models import NOT_CLASSIFIED

BATCHES_A_PAGE = 50
EXAMPLES = 10


def relabel(theme: Theme, request: HttpRequest) -> HttpResponse:
    """GET shows what would change, POST changes it. Both want ``set``, a segment's number."""
    if not request.user.has_perm("creatives.add_label"):
        raise PermissionDenied
    segments.catch_up()
    filters, chosen = Filters.of(request.GET), _chosen(request)
    number = request.GET.get("set", "")
    segment = Segment.objects.filter(pk=number).first() if number.isdecimal() else None
    if segment is None:
        messages.error(request, _("Choose a segment."))
        return redirect(address("advertisement_changelist", filters))
    creatives = _creatives(filters, chosen)
    if request.method == "POST":
        return _set(request, creatives, segment)
    found = relabelling.preview(creatives, segment)
    names = segment_names()
    behind = report.creatives(filters)
    context = {
        **page_context(theme, request, _("One segment for all of them")),
        "segment": segment,
        "changing": found.changing,
        "shown_changing": grouped(found.changing),
        "same": grouped(found.same) if found.same else "",
        "before": [
            {
                "segment": names[NOT_CLASSIFIED if one.segment is None else one.segment],
                "creatives": grouped(one.creatives),
                "labelled": grouped(one.labelled),
            }
            for one in found.before
        ],
        "chips": [name for name, _rest in chips_of(filters, names)],
        "is_chosen": bool(chosen),
        "back": address("advertisement_changelist", filters),
        "charts": address("charts", filters, tab="certainty"),
    }
    if chosen:
        context["examples"] = creatives[: 2 * EXAMPLES]
    else:
        overview = report.overview(filters)
        context["amount"] = roubles_of(overview.amount)
        context["without"] = grouped(overview.without_creative) if overview.without_creative else ""
        context["examples"] = [one for one in behind[:EXAMPLES] if one.creative]
    return TemplateResponse(request, "spend/relabel.html", context)


def _chosen(request: HttpRequest) -> list[int]:
    """Creatives that were ticked one by one; without any, all that the filters let through."""
    asked = request.GET.getlist("creative")[:1000]
    return [int(pk) for pk in asked if pk.isdecimal() and len(pk) < 19]


def _creatives(filters: Filters, chosen: list[int]) -> QuerySet[Creative]:
    if chosen:
        return Creative.objects.real().filter(pk__in=chosen)
    return report.creatives(filters).creatives()


def _set(request: HttpRequest, creatives: QuerySet[Creative], segment: Segment) -> HttpResponse:
    note = request.POST.get("note", "").replace("\x00", "")[:255]
    expected = request.POST.get("expected", "")
    count = int(expected) if expected.isdecimal() and len(expected) < 19 else -1
    try:
        batch = relabelling.relabel(creatives, segment, person(request), note, count)
    except relabelling.ChangedError:
        messages.warning(
            request, _("The list has changed since you looked at it. Nothing was set: look again.")
        )
        return redirect(request.get_full_path())
    text = ngettext(
        "The segment of %(count)d creative is set: %(segment)s. It can be undone here.",
        "The segment of %(count)d creatives is set: %(segment)s. It can be undone here.",
        batch.size,
    )
    messages.success(request, text % {"count": batch.size, "segment": segment})
    return redirect(reverse("admin:spend_batches"))


def batches(theme: Theme, request: HttpRequest) -> HttpResponse:
    """Every batch, the newest first."""
    rows = LabelBatch.objects.select_related("segment", "author")
    context: dict[str, Any] = {
        **page_context(theme, request, _("Segments set for many at once")),
        "page": Paginator(rows, BATCHES_A_PAGE).get_page(request.GET.get("page")),
        "may_label": request.user.has_perm("creatives.add_label"),
    }
    return TemplateResponse(request, "spend/batches.html", context)


def undo(theme: Theme, request: HttpRequest, pk: int) -> HttpResponse:
    """What counted before a batch counts again."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm("creatives.add_label"):
        raise PermissionDenied
    count = relabelling.undo(get_object_or_404(LabelBatch, pk=pk), person(request))
    if count is None:
        messages.info(request, _("This was undone before."))
    else:
        text = ngettext(
            "Undone: %d creative counts as before.",
            "Undone: %d creatives count as before.",
            count,
        )
        messages.success(request, text % count)
    return redirect(reverse("admin:spend_batches"))
