"""The dictionary of segments, the model versions, and the labels that wait for creatives."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from creativefilter.creatives import intake, model_versions
from creativefilter.creatives.models import ModelVersion, Segment, WaitingLabel
from tasks.submit import submit


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the program writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin):
    list_display = ("number", "shown_title", "shown_description")
    fields = ("number", "name", "name_en", "criteria", "criteria_en")

    @display(description=gettext_lazy("name"), ordering="name")
    def shown_title(self, segment: Segment) -> str:
        return segment.title

    @display(description=gettext_lazy("when to choose it"))
    def shown_description(self, segment: Segment) -> str:
        return segment.description


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("name", "is_active", "macro_f1", "used", "created_at")
    fields = ("name", "is_active", "digest", "folder", "metrics", "created_at")
    actions_row = ("activate_version",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        return super().get_queryset(request).annotate(used=Count("predictions"))

    @display(description=gettext_lazy("macro-F1 by families"))
    def macro_f1(self, version: ModelVersion) -> str:
        value = version.metrics.get("macro_f1_grouped")
        return number_format(value, 3) if value is not None else "—"

    @display(description=gettext_lazy("predictions"), ordering="used")
    def used(self, version: Any) -> int:
        return version.used

    def has_activate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("creatives.change_modelversion")

    @action(
        description=gettext_lazy("Let it decide from now on"),
        permissions=["activate"],
        icon="check_circle",
        dialog={
            "title": gettext_lazy("Let this version decide from now on?"),
            "description": gettext_lazy(
                "Every creative that it has not judged yet is classified again. Labels stay, "
                "and so do the predictions of the other versions."
            ),
            "form_class": None,
            "form_submit_text": gettext_lazy("Let it decide from now on"),
        },
    )
    def activate_version(self, request: HttpRequest, form: Any, object_id: int) -> HttpResponse:
        version = get_object_or_404(ModelVersion, pk=object_id)
        model_versions.activate(version)
        jobs = intake.decide_again(cast(User, request.user))
        for job in jobs:
            submit(job)
        messages.success(
            request,
            _("%(version)s decides from now on; creatives to be classified again: %(count)d.")
            % {"version": version, "count": len(jobs)},
        )
        onward = reverse("admin:creatives_modelversion_changelist")
        return HttpResponse(headers={"HX-Redirect": onward})


@admin.register(WaitingLabel)
class WaitingLabelAdmin(ReadOnlyAdmin):
    list_display = ("advertisement_id", "segment", "source", "created_at")
    list_select_related = ("segment",)
    search_fields = ("advertisement_id", "source")
    ordering = ("advertisement_id",)
