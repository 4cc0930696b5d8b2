"""The segment that a form or an address names, and choices of segments by group."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.contrib.filters.forms import DropdownForm
from unfold.widgets import UnfoldAdminSelectWidget

from creativefilter.creatives.models import Segment
from creativefilter.creatives.segments.directory import Directory
from creativefilter.ui.pages import number_of


def chosen_segment(request: HttpRequest, text: str | None) -> Segment | None:
    """Return the segment for a new label; for a merged one its target, with a message.

    Args:
        request: The request, which gets the messages.
        text: The number as the form or the address has it.

    Returns:
        None if there is no such segment or, with a message, if it is retired.
    """
    number, directory = number_of(text), Directory.read()
    if number not in directory.by_number:
        return None
    segment = directory.counted(number)
    if segment.retired_at:
        messages.error(request, _("Segment %s is retired.") % segment.number)
        return None
    note_merge(request, directory, number)
    return segment


def note_merge(request: HttpRequest, directory: Directory, number: int) -> None:
    """Add a message if the segment is merged into another one."""
    if merge := directory.merge_of(number):
        messages.info(request, str(merge))


class _SegmentSelect(UnfoldAdminSelectWidget):
    """Select whose options show the criteria of their segment beside the pointer."""

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **options: Any) -> Any:
        option = super().create_option(name, value, label, *args, **options)
        if isinstance(label, Segment):
            option["attrs"]["title"] = label.description
        return option


class SegmentDropdown(DropdownForm):
    """Dropdown of a list filter whose choices are segments by group."""

    widget = _SegmentSelect(attrs=dict(DropdownForm.widget.attrs))
