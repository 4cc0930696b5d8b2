"""Admin of segments and their groups: leads change them, all others read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from creativefilter.creatives.admin import segment_pages
from creativefilter.creatives.models import Segment, SegmentGroup
from creativefilter.creatives.segments import changes
from creativefilter.creatives.segments.changes import SegmentError
from creativefilter.creatives.segments.directory import Directory
from creativefilter.creatives.segments.standing import NOTHING, standings
from creativefilter.ui.formats import format_moment
from creativefilter.ui.model_admin import ModelAdmin
from creativefilter.ui.pages import number_of


class SegmentForm(forms.ModelForm):
    """Form of a new or changed segment. The group of a stored one can't be taken away."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "number" in self.fields:
            self.fields["number"].initial = changes.next_number()

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            changes.check(self.instance)
        except SegmentError as error:
            self.add_error("name", ValidationError(str(error)))


@admin.register(Segment)
class SegmentAdmin(ModelAdmin):
    form = SegmentForm
    list_display = ("number", "shown_title", "shown_group", "labels", "standing", "criterion")
    list_display_links = ("number", "shown_title")
    list_select_related = ("group", "merged_into")
    ordering = ("group__position", "number")
    list_per_page = 200
    fields = ("number", "group", "name", "name_en", "criteria", "criteria_en")
    actions = None
    actions_list = ("groups", "import_segments")
    actions_detail = ("merge_segment", "undo_merge", "retire_segment", "restore_segment")

    class Media:
        css = {"all": ("creativefilter/creatives.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A number is never used again, so a segment is merged or retired instead.
        return False

    # The list

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.standings = standings()
        return super().changelist_view(request, extra_context)

    @display(description=gettext_lazy("name"), ordering="name")
    def shown_title(self, segment: Segment) -> str:
        return segment.title

    @display(description=gettext_lazy("group"), ordering="group__position")
    def shown_group(self, segment: Segment) -> str:
        return str(segment.group or "—")

    @display(description=gettext_lazy("labels"))
    def labels(self, segment: Segment) -> str:
        return "—" if segment.merged_into else str(self._standing(segment).labels)

    @display(description=gettext_lazy("state"))
    def standing(self, segment: Segment) -> str:
        return state_of(segment) or str(self._standing(segment))

    @display(description=gettext_lazy("when to choose it"))
    def criterion(self, segment: Segment) -> str:
        return segment.description

    def _standing(self, segment: Segment) -> Any:
        return self.standings.get(segment.number, NOTHING)

    # One segment

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("facts", *self.fields) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("facts", "number") if obj else ()

    @display(description=gettext_lazy("state"))
    def facts(self, segment: Segment) -> str:
        if state := state_of(segment):
            return state
        found = standings().get(segment.number, NOTHING)
        return " ".join([_("Labels: %d.") % found.labels, str(found)])

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: Any) -> None:
        changes.save(obj)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the actions that the state of the segment allows."""
        segment = self.get_object(request, str(object_id))
        if segment is None:
            return []
        if segment.merged_into_id is not None:
            names = {"undo_merge"}
        elif segment.retired_at:
            names = {"merge_segment", "restore_segment"}
        else:
            names = {"merge_segment", "retire_segment"}
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        found = super().get_actions_detail(request, object_id)
        return [one for one in found if one.action_name.removeprefix(prefix) in names]

    @action(
        description=gettext_lazy("Merge"),
        permissions=["change"],
        url_path="merge",
        icon="merge",
    )
    def merge_segment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return segment_pages.merge(self, request, number_of(object_id))

    @action(
        description=gettext_lazy("Undo the merge"),
        permissions=["change"],
        url_path="undo-merge",
        icon="undo",
    )
    def undo_merge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return segment_pages.undo_merge(self, request, number_of(object_id))

    @action(
        description=gettext_lazy("Retire"),
        permissions=["change"],
        url_path="retire",
        icon="inventory_2",
        dialog={
            "title": gettext_lazy("Retire this segment?"),
            "description": gettext_lazy(
                "It can't be chosen any more. Labels, history and reports keep it, and you can "
                "bring it back."
            ),
            "form_class": None,
            "form_submit_text": gettext_lazy("Retire"),
        },
    )
    def retire_segment(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._changed(request, object_id, changes.retire)

    @action(
        description=gettext_lazy("Bring back into use"),
        permissions=["change"],
        url_path="restore",
        icon="unarchive",
        dialog={
            "title": gettext_lazy("Bring this segment back into use?"),
            "description": gettext_lazy("It can be chosen for labels again."),
            "form_class": None,
            "form_submit_text": gettext_lazy("Bring back"),
        },
    )
    def restore_segment(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._changed(request, object_id, changes.restore)

    def _changed(
        self, request: HttpRequest, object_id: str, change: Callable[[int], None]
    ) -> HttpResponse:
        segment = get_object_or_404(Segment, pk=number_of(object_id))
        try:
            change(segment.number)
        except SegmentError as error:
            messages.error(request, str(error))
        onward = reverse("admin:creatives_segment_change", args=[segment.number])
        return HttpResponse(headers={"HX-Redirect": onward})

    @action(
        description=gettext_lazy("Groups"),
        permissions=["view"],
        url_path="groups",
        icon="category",
    )
    def groups(self, request: HttpRequest) -> HttpResponse:
        return redirect(reverse("admin:creatives_segmentgroup_changelist"))

    @action(
        description=gettext_lazy("Import a dictionary"),
        permissions=["change"],
        url_path="import",
        icon="upload_file",
    )
    def import_segments(self, request: HttpRequest) -> HttpResponse:
        return segment_pages.import_dictionary(self, request)


def state_of(segment: Segment) -> str:
    """Return in words that a segment is merged or retired; "" if it is in use."""
    if merge := Directory({segment.number: segment}).merge_of(segment.number):
        return str(merge)
    if segment.retired_at:
        return _("Retired on %s.") % format_moment(segment.retired_at)
    return ""


@admin.register(SegmentGroup)
class SegmentGroupAdmin(ModelAdmin):
    list_display = ("shown_name", "key", "position", "segments")
    fields = ("key", "name", "name_en", "position")
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SegmentGroup]:
        return super().get_queryset(request).prefetch_related("segments")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("key",) if obj else ()

    @display(description=gettext_lazy("name"), ordering="name")
    def shown_name(self, group: SegmentGroup) -> str:
        return str(group)

    @display(description=gettext_lazy("segments"))
    def segments(self, group: SegmentGroup) -> str:
        return ", ".join(str(one.number) for one in group.segments.all())

    def save_model(self, request: HttpRequest, obj: SegmentGroup, form: Any, change: Any) -> None:
        changes.save_group(obj)
