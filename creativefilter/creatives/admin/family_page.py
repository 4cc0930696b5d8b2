"""Near duplicates: their part of a creative's page, and the page that labels a family."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from creativefilter.creatives.admin.label_batch_page import Listed, answer
from creativefilter.creatives.families import grouping
from creativefilter.creatives.families.fingerprints import SOUND_NOT_COMPARED
from creativefilter.creatives.families.grouping import Relative
from creativefilter.creatives.labels import batches
from creativefilter.creatives.models import Creative, Segment
from creativefilter.creatives.segments.directory import Directory
from creativefilter.site.codes import sentence
from creativefilter.ui.pages import Theme

SHOWN = 24


class LabelsFamilies:
    """Mixin for the admin of creatives: the page that labels a family."""

    def get_urls(self) -> list[Any]:
        admin: Any = self
        page = admin.admin_site.admin_view(partial(label, self))
        return [
            path("<int:pk>/family/", page, name="creatives_creative_family"),
            *super().get_urls(),  # type: ignore[misc]
        ]


def label(theme: Theme, request: HttpRequest, pk: int) -> HttpResponse:
    """Preview and set one segment for a creative and all its near duplicates.

    Raises:
        PermissionDenied: The user may not set labels.
        Http404: There is no such creative.
    """
    creative = get_object_or_404(Creative, pk=pk)
    back = reverse("admin:creatives_creative_change", args=[pk])
    members = grouping.members(creative)
    chips = [_("near duplicates of %s") % creative]
    return answer(theme, request, Listed(members, back, chips, examples=list(members[:SHOWN])))


def family_page(creative: Creative, segment: int | None) -> str:
    """Return the address of the page that labels a family, with ``segment`` preselected."""
    address = reverse("admin:creatives_creative_family", args=[creative.pk])
    return address if segment is None else f"{address}?{urlencode({'set': segment})}"


def offer(request: HttpRequest, creative: Creative, segment: Segment) -> None:
    """Add a message after a label: how many near duplicates lack it, with a link to label them."""
    lacking = batches.preview(grouping.members(creative), segment).changing
    if not lacking:
        return
    text = ngettext(
        "%d near duplicate of this creative does not have this label.",
        "%d near duplicates of this creative do not have this label.",
        lacking,
    )
    link = format_html(
        ' <a class="underline" href="{}">{}</a>',
        family_page(creative, segment.pk),
        _("Label the family"),
    )
    messages.info(request, format_html("{}{}", text % lacking, link))


def family_of(creative: Creative, directory: Directory, chosen: int | None) -> dict[str, Any]:
    """Return the template context for near duplicates.

    ``chosen`` is the number of the segment that is preselected for labelling the family.
    """
    found = grouping.relatives(creative)
    fingerprint = getattr(creative.current_media, "fingerprint", None)
    without_sound = fingerprint is not None and not fingerprint.sound_compared
    return {
        "relatives": [_row(one, directory) for one in found[:SHOWN]],
        "relatives_left": max(0, len(found) - SHOWN),
        "family_size": len(found) + 1,
        "family_page": family_page(creative, chosen),
        "sound_not_compared": sentence(SOUND_NOT_COMPARED) if without_sound else "",
    }


def _row(relative: Relative, directory: Directory) -> dict[str, Any]:
    creative, media = relative.creative, relative.creative.current_media
    frames = media.probe.get("frames", [])
    picture = ""
    if frames:
        # The middle frame: the first and the last are often black or a logo.
        file = frames[len(frames) // 2]["file"]
        picture = reverse("api:working-copy", args=[media.pk, file])
    return {
        "creative": creative,
        "picture": picture,
        "seconds": number_format(media.seconds, 1) if media.seconds else "",
        "segment": directory.by_number.get(creative.effective_segment),
        "labelled": creative.label_segment is not None,
        "shared": _shared(relative),
    }


def _shared(relative: Relative) -> str:
    link = relative.link
    if link is None:
        return _("through another creative")
    parts = [
        (_("sound"), link.sound),
        (_("pictures"), link.pictures),
        (_("words"), link.words or 0.0),
    ]
    shown = [f"{name} {round(100 * share)}\u00a0%" for name, share in parts if round(100 * share)]
    return _("shared: %s") % ", ".join(shown) if shown else _("the same file")
