"""Pages that merge a segment, undo a merge, and import the analysts' dictionary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from creativefilter.creatives.models import Segment, SegmentGroup
from creativefilter.creatives.segments import changes, dictionary_import
from creativefilter.creatives.segments.changes import SegmentError
from creativefilter.creatives.segments.directory import Directory, grouped
from creativefilter.creatives.segments.signals import merge_described
from creativefilter.creatives.segments.usage import Affected, merged_with
from creativefilter.site.codes import CodedError
from creativefilter.site.uploads import check_upload
from creativefilter.ui.formats import format_number
from creativefilter.ui.pages import Theme, number_of, page_context

LIST = "admin:creatives_segment_changelist"
PAGE = "admin:creatives_segment_change"
# A preview of an import can be confirmed for this long, seconds.
_CONFIRMED_WITHIN = 24 * 3600
_SALT = "creatives.segments.dictionary_import"


def merge(theme: Theme, request: HttpRequest, number: int) -> HttpResponse:
    """GET shows the choice of a target and, with ``into``, what would move; POST merges."""
    segment = get_object_or_404(Segment.objects.select_related("group"), pk=number)
    directory = Directory.read()
    target = directory.by_number.get(number_of(request.GET.get("into")))
    if request.method == "POST":
        chosen = number_of(request.POST.get("into"))
        return _change(request, number, lambda: changes.merge(number, chosen))
    others = [one for one in directory.in_use() if one.number != number]
    context = {
        **page_context(theme, request, _("Merge: %s") % segment),
        "segment": target,
        "merged": segment,
        "segment_groups": grouped(others),
        "moved": _moved(segment) if target else [],
        "question": _("Everything will count as %s.") % target if target else "",
        "button": _("Merge"),
        "back": reverse(PAGE, args=[number]),
    }
    return TemplateResponse(request, "creatives/segment_merge.html", context)


def undo_merge(theme: Theme, request: HttpRequest, number: int) -> HttpResponse:
    """GET shows what would count under the merged segment again; POST undoes the merge."""
    segment = get_object_or_404(Segment.objects.select_related("merge_target"), pk=number)
    if request.method == "POST":
        return _change(request, number, lambda: changes.undo_merge(number))
    if segment.merge_target is None:
        messages.info(request, _("%s is not merged.") % segment)
        return redirect(reverse(PAGE, args=[number]))
    context = {
        **page_context(theme, request, _("Undo the merge: %s") % segment),
        "merged": segment,
        "moved": _moved(segment),
        "question": _("It was merged into %(target)s. Everything will count as %(segment)s again.")
        % {"target": segment.merge_target, "segment": segment},
        "button": _("Undo the merge"),
        "back": reverse(PAGE, args=[number]),
    }
    return TemplateResponse(request, "creatives/segment_merge.html", context)


def _change(request: HttpRequest, number: int, change: Callable[[], None]) -> HttpResponse:
    try:
        change()
    except SegmentError as error:
        messages.error(request, str(error))
        return redirect(request.get_full_path())
    text = _("Saved. Spend is counted again under its segment.")
    messages.success(request, text)
    return redirect(reverse(PAGE, args=[number]))


def _moved(segment: Segment) -> Sequence[str]:
    """Return sentences about what counts under a segment because of rows of its own."""
    numbers = merged_with(segment)
    affected = Affected.of(numbers)
    sentences = [
        _("Labels: %s.") % format_number(affected.labelled.count()),
        _("Predictions of creatives without a label: %s.")
        % format_number(affected.predicted.count()),
        _("Labels that wait for their creatives: %s.") % format_number(affected.waiting.count()),
    ]
    for _receiver, more in merge_described.send(None, affected=affected):
        sentences += more or []
    if followers := sorted(numbers - {segment.number}):
        text = _("Segments that were merged into it and follow: %s.")
        sentences.append(text % ", ".join(map(str, followers)))
    return sentences


def import_dictionary(theme: Theme, request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST of a file the preview; POST of a confirmed preview imports it."""
    context = {
        **page_context(theme, request, _("Import a dictionary of segments")),
        "groups": SegmentGroup.objects.all(),
        "back": reverse(LIST),
    }
    if request.method == "POST" and "confirmed" in request.POST:
        return _import(request)
    if request.method == "POST":
        try:
            context |= _preview(request)
        except CodedError as error:
            messages.error(request, str(error))
    return TemplateResponse(request, "creatives/segment_import.html", context)


def _preview(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the preview of an uploaded table.

    Raises:
        CodedError: There is no file, or it is no table with the columns.
    """
    file = request.FILES.get("file")
    if file is None:
        raise CodedError("table_no_file")
    check_upload(file)
    table = dictionary_import.read(file)
    found = dictionary_import.plan(table.names)
    return {
        "plan": found,
        "sentences": found.sentences(),
        "problems": [*map(str, table.problems)],
        "findings": [*map(str, table.findings)],
        "confirmed": signing.dumps(
            [list(table.names.items()), found.as_json()], salt=_SALT, compress=True
        ),
    }


def _import(request: HttpRequest) -> HttpResponse:
    names, previewed = {}, None
    with suppress(signing.BadSignature):
        confirmed = request.POST["confirmed"]
        pairs, previewed = signing.loads(confirmed, salt=_SALT, max_age=_CONFIRMED_WITHIN)
        names = dict(pairs)
    found = dictionary_import.plan(names)
    if found.as_json() != previewed:
        messages.warning(
            request, _("The segments have changed since the preview: choose the file again.")
        )
        return redirect(request.path)
    group = SegmentGroup.objects.filter(pk=request.POST.get("group", "")).first()
    try:
        dictionary_import.apply(found, group.pk if group else None)
    except SegmentError as error:
        messages.error(request, str(error))
        return redirect(request.path)
    for sentence in found.sentences():
        messages.success(request, sentence)
    return redirect(reverse(LIST))
