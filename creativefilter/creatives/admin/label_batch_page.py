"""Pages that preview, set and undo one segment for many creatives.

Other pages with a list of creatives use ``answer``: they describe their list by ``Listed``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.decorators import action

from creativefilter.creatives.admin.segment_choice import chosen_segment
from creativefilter.creatives.labels import batches as relabelling
from creativefilter.creatives.models import Creative, LabelBatch, Segment
from creativefilter.creatives.segments.directory import Directory, grouped
from creativefilter.ui.formats import format_number
from creativefilter.ui.pages import Theme, number_of, page_context

BATCHES_A_PAGE = 50
EXAMPLES = 10
TICKED_AT_MOST = 1000
LIST = "admin:creatives_creative_changelist"


@dataclass(frozen=True, slots=True)
class Listed:
    """Creatives that are to get one segment, and the list they come from.

    ``chips`` are the filters of the list in words, ``facts`` further sentences for the page,
    ``back`` the address of the list; ``examples`` are some creatives, the most important first,
    or None for the newest ones.
    """

    creatives: QuerySet[Creative]
    back: str
    chips: Sequence[str] = ()
    facts: Sequence[str] = ()
    examples: Sequence[Creative] | None = None


def _of_list(query: QueryDict) -> str:
    """Return the address of the page for all creatives of a list with this query."""
    return f"{reverse('admin:creatives_creative_relabel')}?{urlencode({'list': query.urlencode()})}"


def _of_ticked(pks: Iterable[Any], back: QueryDict) -> str:
    """Return the address of the page for ticked creatives of a list."""
    found = [("creative", str(pk)) for pk in pks]
    query = urlencode([*found, ("back", back.urlencode())])
    return f"{reverse('admin:creatives_creative_relabel')}?{query}"


class SetsSegments:
    """Mixin for the list of creatives: the action that sets a segment, its pages and URLs."""

    def get_urls(self) -> list[Any]:
        admin: Any = self
        wrap = admin.admin_site.admin_view
        undo_of = wrap(require_POST(partial(undo, self)))
        return [
            path("relabel/", wrap(partial(relabel, self)), name="creatives_creative_relabel"),
            path("batches/<int:pk>/undo/", undo_of, name="creatives_creative_undo"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def has_label_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("creatives.add_label")

    @action(description=gettext_lazy("Set the segment"), permissions=["label"])
    def set_segment(self, request: HttpRequest, queryset: QuerySet[Creative]) -> HttpResponse:
        if request.POST.get("select_across") == "1":
            return redirect(_of_list(request.GET))
        return redirect(_of_ticked(queryset.values_list("pk", flat=True), request.GET))

    @action(
        description=gettext_lazy("Segments set for many at once"),
        permissions=["view"],
        url_path="batches",
        icon="history",
    )
    def batches(self, request: HttpRequest) -> HttpResponse:
        return batches(self, request)


def relabel(theme: Theme, request: HttpRequest) -> HttpResponse:
    """Preview and set one segment for an admin list, or for ticked creatives.

    The address has the query of the list in ``list``, or keys of creatives in ``creative``.

    Raises:
        PermissionDenied: The user may not set labels.
    """
    back = reverse(LIST)
    if "list" not in request.GET:
        if query := QueryDict(request.GET.get("back", "")).urlencode():
            back = f"{back}?{query}"
        chosen = Creative.objects.filter(pk__in=ticked(request))
        return answer(theme, request, Listed(chosen, back, [_("ticked one by one")]))
    query_of_list = QueryDict(request.GET["list"], mutable=True)
    # Without the page number: all pages of the list.
    query_of_list.pop("p", None)
    listing = copy.copy(request)
    listing.GET = query_of_list  # type: ignore[assignment]
    try:
        changelist = theme.get_changelist_instance(listing)
    except (IncorrectLookupParameters, DisallowedModelAdminLookup):
        messages.error(request, _("There is no such list of creatives."))
        return redirect(back)
    back = f"{back}?{query_of_list.urlencode()}" if query_of_list else back
    found = changelist.get_queryset(listing)
    return answer(theme, request, Listed(found, back, list(_chips(changelist))))


def ticked(request: HttpRequest) -> list[int]:
    """Return the keys of creatives that the address names, at most ``TICKED_AT_MOST``."""
    asked = request.GET.getlist("creative")[:TICKED_AT_MOST]
    return [pk for pk in map(number_of, asked) if pk >= 0]


def answer(theme: Theme, request: HttpRequest, listed: Listed) -> HttpResponse:
    """GET shows the choice of a segment and, with ``set``, the preview; POST sets the segment.

    Raises:
        PermissionDenied: The user may not set labels.
    """
    if not request.user.has_perm("creatives.add_label"):
        raise PermissionDenied
    segment = chosen_segment(request, request.GET.get("set"))
    if request.method == "POST":
        if segment is None:
            messages.error(request, _("Choose a segment."))
            return redirect(request.get_full_path())
        return _set(request, listed.creatives, segment)
    found = relabelling.preview(listed.creatives, segment)
    newest = listed.creatives.select_related(None).order_by("-pk")[:EXAMPLES]
    directory = Directory.read()
    context = {
        **page_context(theme, request, _("One segment for all of them")),
        "segment": segment,
        "segment_groups": grouped(directory.in_use()),
        "asked": [(name, value) for name, value in _pairs(request.GET) if name != "set"],
        "listed": listed,
        "examples": newest if listed.examples is None else listed.examples,
        "total": format_number(found.changing + found.same),
        "changing": found.changing,
        "shown_changing": format_number(found.changing),
        "same": format_number(found.same) if found.same else "",
        "before": [
            {
                "segment": _("Not classified")
                if one.segment is None
                else directory.title(one.segment),
                "creatives": format_number(one.creatives),
                "labelled": format_number(one.labelled),
                "changing": format_number(one.changing),
            }
            for one in found.before
        ],
    }
    return TemplateResponse(request, "creatives/relabel.html", context)


def _set(request: HttpRequest, creatives: QuerySet[Creative], segment: Segment) -> HttpResponse:
    note = request.POST.get("note", "").replace("\x00", "")[:255]
    count = number_of(request.POST.get("expected"))
    author: Any = request.user  # admin views require a login
    try:
        batch = relabelling.relabel(creatives, segment, author, note, count)
    except relabelling.ChangedError:
        messages.warning(
            request, _("The list has changed since you opened it. Nothing was set: check it again.")
        )
        return redirect(request.get_full_path())
    text = ngettext(
        "The segment of %(count)s creative is set: %(segment)s. It can be undone here.",
        "The segment of %(count)s creatives is set: %(segment)s. It can be undone here.",
        batch.size,
    )
    messages.success(request, text % {"count": format_number(batch.size), "segment": segment})
    return redirect(reverse("admin:creatives_creative_batches"))


def batches(theme: Theme, request: HttpRequest) -> HttpResponse:
    """Show all label batches, newest first."""
    rows = LabelBatch.objects.select_related("segment", "author")
    context: dict[str, Any] = {
        **page_context(theme, request, _("Segments set for many at once")),
        "page": Paginator(rows, BATCHES_A_PAGE).get_page(request.GET.get("page")),
        "may_label": request.user.has_perm("creatives.add_label"),
    }
    return TemplateResponse(request, "creatives/batches.html", context)


def undo(theme: Theme, request: HttpRequest, pk: int) -> HttpResponse:
    """Undo a label batch.

    Raises:
        PermissionDenied: The user may not set labels.
        Http404: There is no such batch.
    """
    if not request.user.has_perm("creatives.add_label"):
        raise PermissionDenied
    author: Any = request.user
    count = relabelling.undo(get_object_or_404(LabelBatch, pk=pk), author)
    if count is None:
        messages.info(request, _("This has already been undone."))
    else:
        text = ngettext(
            "Undone: %s creative counts as before.",
            "Undone: %s creatives count as before.",
            count,
        )
        messages.success(request, text % format_number(count))
    return redirect(reverse("admin:creatives_creative_batches"))


def _pairs(query: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in query.lists():
        for value in values:
            yield name, str(value)


def _chips(changelist: Any) -> Iterator[str]:
    """Describe the search and the filters of an admin list in words."""
    if changelist.query:
        yield _("found by: %s") % changelist.query
    for spec in changelist.filter_specs:
        if not spec.used_parameters:
            continue
        if isinstance(spec, SimpleListFilter):
            names = {str(value): title for value, title in spec.lookup_choices}
            values: Sequence[Any] = [spec.value()]
        else:
            names = {str(value): title for value, title in spec.field.flatchoices}
            names |= {"1": _("Yes"), "0": _("No")} if not names else {}
            values = [one for some in spec.used_parameters.values() for one in _each(some)]
        chosen = ", ".join(str(names.get(str(value), value)) for value in values)
        yield f"{capfirst(str(spec.title))}: {chosen}"


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]
