"""The page where a person has a table classified. Everybody sees their own tables alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from creativefilter.creatives.admin.creative import person
from creativefilter.jobs.models import Job
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site.codes import CodedError, sentence
from creativefilter.tables import jobs as work
from creativefilter.tables.downloads import attachment
from creativefilter.tables.models import Table

PROGRESS_AT_ONCE = 500
# What a state looks like; the others look like nothing in particular.
LOOKS = {Job.State.DONE: "done", Job.State.FAILED: "failed"}


def count(number: int) -> str:
    return number_format(number, force_grouping=True)


def status_of(table: Table) -> dict[str, Any]:
    """State for the page and for the script that keeps it current."""
    job = table.job
    state = Job.State(job.state) if job else Job.State.DONE
    final = job is None or job.is_final
    return {
        "id": str(table.pk),
        "state": LOOKS.get(state, "idle") if final else "busy",
        "title": str(state.label) if final or state == Job.State.QUEUED else _at_work(job),
        "percent": 100 if final or job is None else job.progress,
        "final": final,
        "message": error_of(table),
    }


def _at_work(job: Job | None) -> str:
    stages = {
        "reading_table": _("Being read"),
        "classifying": _("Waiting for creatives"),
        "writing": _("Being written"),
    }
    return stages.get(job.stage if job else "", "")


def error_of(table: Table) -> str:
    """Why it failed; "" if it did not."""
    job = table.job
    if job is None or job.state != Job.State.FAILED:
        return ""
    return sentence(job.error_code)


def facts_of(table: Table) -> list[tuple[str, str, str]]:
    """How many rows got which answer: name, number, and what it means."""
    if not table.counts:
        return []
    told = [
        ("rows", _("Rows"), ""),
        ("answered", _("with a segment"), ""),
        ("silent", _("without speech"), _("Nothing is said or shown in these creatives.")),
        ("unknown", _("unknown"), _("There is no creative with this Advertisement ID here.")),
        ("failed", _("not analysed"), _("Why stands in the column “status”.")),
        ("blank", _("without an ID"), ""),
        ("classified", _("Creatives classified for this table"), ""),
    ]
    return [
        (title, count(table.counts[name]), hint)
        for name, title, hint in told
        if table.counts[name] or name in ("rows", "answered")
    ]


@admin.register(Table)
class TableAdmin(ModelAdmin):
    list_display = ("name", "status", "rows", "answered", "unknown", "failed", "added", "file_link")
    list_per_page = 50
    search_fields = ("name",)
    search_help_text = gettext_lazy("File name")
    actions = None
    list_before_template = "tables/upload.html"

    class Media:
        css = {"all": ("creativefilter/creatives.css", "creativefilter/spend_import.css")}
        js = ("creativefilter/progress.js", "creativefilter/spend_import.js")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Table]:
        return super().get_queryset(request).filter(owner=person(request)).select_related("job")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("progress/", wrap(require_safe(self.progress)), name="tables_progress"),
            path("<uuid:pk>/file/", wrap(require_safe(self.download)), name="tables_file"),
            path("<uuid:pk>/cancel/", wrap(require_POST(self.cancel)), name="tables_cancel"),
            *super().get_urls(),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Table) -> None:
        work.remove(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Nothing else goes with a table: the creatives that it waited for stay."""
        counts = {self.opts.verbose_name_plural: len(objs)}
        return [str(each) for each in objs], counts, set(), []

    # The list

    @display(description=gettext_lazy("state"))
    def status(self, table: Table) -> str:
        now = status_of(table)
        return format_html(
            '<span class="cf-status cf-status-{}" data-import="{}" data-final="{}" title="{}">'
            '<span class="cf-status-title">{}</span>'
            '<span class="cf-bar"><span style="width:{}%"></span></span></span>',
            now["state"],
            now["id"],
            "1" if now["final"] else "",
            now["message"],
            now["title"],
            now["percent"],
        )

    def _counted(self, table: Table, name: str) -> str:
        return count(table.counts[name]) if table.counts else "—"

    @display(description=gettext_lazy("rows"))
    def rows(self, table: Table) -> str:
        return self._counted(table, "rows")

    @display(description=gettext_lazy("with a segment"))
    def answered(self, table: Table) -> str:
        return self._counted(table, "answered")

    @display(description=gettext_lazy("unknown"))
    def unknown(self, table: Table) -> str:
        return self._counted(table, "unknown")

    @display(description=gettext_lazy("not analysed"))
    def failed(self, table: Table) -> str:
        return self._counted(table, "failed")

    @display(description=gettext_lazy("added"), ordering="created_at")
    def added(self, table: Table) -> str:
        return date_format(localtime(table.created_at), "SHORT_DATETIME_FORMAT")

    @display(description=gettext_lazy("answer"))
    def file_link(self, table: Table) -> str:
        if not table.result:
            return "—"
        address = reverse("admin:tables_file", args=[table.pk])
        return format_html('<a class="cf-link" href="{}">{}</a>', address, _("Download"))

    def progress(self, request: HttpRequest) -> JsonResponse:
        """States of the tables that a page shows: ``?id=…&id=…``."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = set(request.GET.getlist("id")[:PROGRESS_AT_ONCE])
        rows = self.get_queryset(request)[:PROGRESS_AT_ONCE]
        return JsonResponse({"imports": [status_of(row) for row in rows if str(row.pk) in asked]})

    # Taking a table

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            onward = self._receive(request)
            # The page's script shows how far the upload has come, then goes on by itself.
            if request.headers.get("Accept") == "application/json":
                return JsonResponse({"location": onward})
            return redirect(onward)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Classify a table"),
            "media": self.media,
            "has_add_permission": True,
        }
        return TemplateResponse(request, "tables/add.html", context)

    def _receive(self, request: HttpRequest) -> str:
        """Keeps the table and has it answered; where to go on."""
        files = request.FILES.getlist("file")
        if len(files) != 1:
            messages.error(request, _("Choose one file."))
            return reverse("admin:tables_table_add")
        language = (get_language() or "ru").split("-")[0]
        try:
            table = work.receive(files[0], files[0].name or "", person(request), language)
        except (CodedError, QuotaExceeded) as error:
            messages.error(request, str(error))
            return reverse("admin:tables_table_add")
        return page_address(table)

    # One table

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        table = self.get_object(request, object_id)
        if table is None:
            raise Http404
        if not self.has_view_permission(request, table):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": table,
            "title": str(table),
            "media": self.media,
            "table": table,
            "status": status_of(table),
            "facts": facts_of(table),
            "may_add": self.has_add_permission(request),
            "may_delete": self.has_delete_permission(request, table),
        }
        return TemplateResponse(request, "tables/table.html", context)

    def download(self, request: HttpRequest, pk: Any) -> HttpResponseBase:
        """The answer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        table = get_object_or_404(self.get_queryset(request).exclude(result=""), pk=pk)
        return attachment(table)

    def cancel(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Stops what is going on with the table."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        table = get_object_or_404(self.get_queryset(request), pk=pk)
        if work.cancel(table):
            messages.success(request, _("Cancelled."))
        else:
            messages.warning(request, _("It had ended already."))
        return redirect(page_address(table))


def page_address(table: Table) -> str:
    return reverse("admin:tables_table_change", args=[table.pk])
