"""Jobs, for those who look behind the scenes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from creativefilter.jobs import lifecycle
from creativefilter.jobs.messages import MESSAGES
from creativefilter.jobs.models import Job
from tasks.submit import submit


class KindFilter(admin.AllValuesFieldListFilter):
    """By kind, in the reader's language."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": gettext(str(choice["display"]))}


def readable(value: Any) -> str:
    """What is kept as JSON, in the letters that it was written in."""
    if value is None:
        return "—"
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return format_html('<pre style="max-height:24rem;overflow:auto">{}</pre>', text)


@admin.register(Job)
class JobAdmin(ModelAdmin):
    list_display = (
        "id", "shown_kind", "shown_state", "shown_stage", "progress", "owner", "created_at"
    )  # fmt: skip
    list_filter = ("state", ("kind", KindFilter), "urgency")
    list_filter_submit = True
    list_select_related = ("owner",)
    search_fields = ("id",)
    actions = ("retry",)

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={
            Job.State.DONE: "success",
            Job.State.FAILED: "danger",
            Job.State.RUNNING: "info",
        },
    )
    def shown_state(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @display(description=gettext_lazy("kind"), ordering="kind")
    def shown_kind(self, job: Job) -> str:
        return gettext(job.kind)

    @display(description=gettext_lazy("stage"), ordering="stage")
    def shown_stage(self, job: Job) -> str:
        return gettext(job.stage)

    @display(description=gettext_lazy("parameters"))
    def shown_params(self, job: Job) -> str:
        return readable(job.params)

    @display(description=gettext_lazy("result"))
    def shown_result(self, job: Job) -> str:
        return readable(job.result)

    @display(description=gettext_lazy("error"))
    def shown_error(self, job: Job) -> str:
        if job.error_code not in MESSAGES:
            return job.error_code or "—"
        return f"{job.error_code}: {MESSAGES[job.error_code]}"

    @action(description=gettext_lazy("Retry what failed"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        restarted = [job for job in map(lifecycle.retry, queryset) if job]
        for job in restarted:
            submit(job)
        text = ngettext("%d job starts again.", "%d jobs start again.", len(restarted))
        messages.success(request, text % len(restarted))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Everybody's own; superusers look after all of them."""
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(owner=request.user.pk)

    def _get_obj_does_not_exist_redirect(self, request: Any, opts: Any, object_id: Any) -> Any:
        raise Http404

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = {
            "kind": "shown_kind",
            "stage": "shown_stage",
            "params": "shown_params",
            "result": "shown_result",
            "error_code": "shown_error",
        }
        return [shown.get(field.name, field.name) for field in Job._meta.fields]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_readonly_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Of a single job nothing can be edited; the list offers to retry.
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
