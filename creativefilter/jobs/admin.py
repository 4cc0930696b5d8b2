"""Admin pages of jobs: the list, and the read-only page of one job."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, ngettext
from unfold.decorators import action, display

from creativefilter.jobs import kinds, lifecycle
from creativefilter.jobs.models import Job
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.jobs.summaries import outcome_of, story_of
from creativefilter.ui.model_admin import ModelAdmin


class KindFilter(admin.AllValuesFieldListFilter):
    """Filter by kind, with translated names."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": gettext(str(choice["display"]))}


class StandingFilter(admin.SimpleListFilter):
    """Filter by state in three groups: failed, open (queued or running), and done or cancelled."""

    title = gettext_lazy("status")
    parameter_name = "standing"
    STATES = {
        "attention": (Job.State.FAILED,),
        "running": Job.OPEN,
        "done": (Job.State.DONE, Job.State.CANCELLED),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("attention", gettext_lazy("needs attention")),
            ("running", gettext_lazy("running or queued")),
            ("done", gettext_lazy("done or cancelled")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        states = self.STATES.get(self.value() or "")
        return queryset.filter(state__in=states) if states else queryset


def readable(value: Any) -> str:
    """Return a JSON value as indented HTML, with Cyrillic letters unescaped; a dash for None."""
    if value is None:
        return "—"
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return format_html('<pre style="max-height:24rem;overflow:auto">{}</pre>', text)


@admin.register(Job)
class JobAdmin(ModelAdmin):
    list_display = (
        "id", "shown_kind", "shown_state", "shown_stage", "progress", "owner", "created_at"
    )  # fmt: skip
    list_filter = (StandingFilter, "state", ("kind", KindFilter), "urgency")
    list_filter_submit = True
    list_select_related = ("owner",)
    search_fields = ("id",)
    actions = ("retry",)
    change_form_outer_before_template = "jobs/job.html"

    class Media:
        css = {"all": ["creativefilter/jobs.css"]}

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
        kind = kinds.find(job.kind)
        if not job.error_code or kind is None:
            return job.error_code or "—"
        return f"{job.error_code}: {kind.explain(job)}"

    @action(description=gettext_lazy("Retry what failed"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        restarted, refused = 0, 0
        for job in queryset:
            try:
                retried = lifecycle.retry(job)
            except QuotaExceeded as error:
                messages.error(request, str(error))
                break
            restarted += retried is not None
            refused += retried is None
        if restarted:
            text = ngettext("%d job starts again.", "%d jobs start again.", restarted)
            messages.success(request, text % restarted)
        if refused:
            messages.warning(request, gettext("Jobs that can't be started again: %d.") % refused)

    # The page of one job

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "<uuid:pk>/retry/",
                self.admin_site.admin_view(self.retry_one),
                name="jobs_job_retry",
            ),
            path(
                "<uuid:pk>/cancel/",
                self.admin_site.admin_view(self.cancel_one),
                name="jobs_job_cancel",
            ),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        job = self.get_object(request, object_id)
        story = {"story": story_of(job, request.user)} if job else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **story})

    def retry_one(self, request: HttpRequest, pk: Any) -> HttpResponse:
        return self._act(request, pk, lifecycle.retry, gettext("The job starts again."))

    def cancel_one(self, request: HttpRequest, pk: Any) -> HttpResponse:
        return self._act(request, pk, lifecycle.cancel, gettext("The job is cancelled."))

    def _act(
        self, request: HttpRequest, pk: Any, act: Callable[[Job], Job | bool | None], message: str
    ) -> HttpResponse:
        """Call ``act`` with one job and redirect to its page.

        The page shows ``message``, or a warning if the job's state did not allow the action.
        """
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("jobs.change_job"):
            raise PermissionDenied
        job = get_object_or_404(self.get_queryset(request), pk=pk)
        if act(job):
            messages.success(request, message)
        else:
            messages.warning(
                request, gettext("The state of the job has changed; nothing was done.")
            )
        return redirect("admin:jobs_job_change", pk)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Return the jobs of the user; all jobs for superusers."""
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
        # The template above the form shows these.
        hidden = {"timings", "stage_started_at"}
        if obj and outcome_of(obj):
            hidden |= {"result", "params"}
        names = [field.name for field in Job._meta.fields if field.name not in hidden]
        return [shown.get(name, name) for name in names]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_readonly_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The page of one job is read-only; the list needs the permission for its action "retry".
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
