"""Admin pages where users upload tables to classify. Each user sees only their own tables."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import display

from creativefilter.jobs.models import Job
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site.codes import CodedError
from creativefilter.tables import jobs as work
from creativefilter.tables.downloads import attachment
from creativefilter.tables.models import Table
from creativefilter.ui.formats import format_moment, format_number
from creativefilter.ui.pages import person
from creativefilter.ui.row_access import OwnRowsAdmin
from creativefilter.ui.upload_list import Status, UploadForm, UploadListAdmin

# CSS styles of final states; any other final state is "idle".
STYLES = {Job.State.DONE: "done", Job.State.FAILED: "failed"}


def status_of(table: Table) -> Status:
    """Return the status of a table's job, as the list and the script show it."""
    job = table.job
    state = Job.State(job.state) if job else Job.State.DONE
    final = job is None or job.is_final
    return Status(
        id=str(table.pk),
        state=STYLES.get(state, "idle") if final else "busy",
        title=str(state.label) if final or state == Job.State.QUEUED else _stage_title(job),
        percent=100 if final or job is None else job.progress,
        final=final,
        message=error_of(table),
    )


def _stage_title(job: Job | None) -> str:
    stages = {
        "reading_table": _("Being read"),
        "classifying": _("Waiting for creatives"),
        "writing": _("Being written"),
    }
    return stages.get(job.stage if job else "", "")


def error_of(table: Table) -> str:
    """Return why the table's job failed; "" if it has not failed."""
    job = table.job
    if job is None or job.state != Job.State.FAILED:
        return ""
    return work.explain(job)


def facts_of(table: Table) -> list[tuple[str, str, str]]:
    """Return the counts of rows by answer: title, formatted number, explanation ("" for none)."""
    if not table.counts:
        return []
    answers = [
        ("rows", _("Rows"), ""),
        ("answered", _("with a segment"), ""),
        ("silent", _("without speech"), _("These creatives have neither speech nor screen text.")),
        (
            "unknown",
            _("unknown"),
            _("There is no creative with this Advertisement ID here, or the ID can't be read."),
        ),
        ("failed", _("not analysed"), _("The column “status” gives the reason.")),
        ("blank", _("without an ID"), ""),
        ("classified", _("Creatives classified for this table"), ""),
    ]
    return [
        (title, format_number(table.counts[name]), hint)
        for name, title, hint in answers
        if table.counts[name] or name in ("rows", "answered")
    ]


@admin.register(Table)
class TableAdmin(OwnRowsAdmin, UploadListAdmin):
    list_display = ("name", "status", "rows", "answered", "unknown", "failed", "added", "file_link")
    search_fields = ("name",)
    search_help_text = gettext_lazy("File name")
    actions = None
    list_before_template = "tables/before_list.html"
    owner_field = "owner"
    url_prefix = "tables"
    upload_title = gettext_lazy("Classify a table")
    upload_form = UploadForm(
        icon="table_view",
        title=gettext_lazy("Choose a table or drop it here"),
        hints=(
            gettext_lazy(
                "xlsx (up to 50,000 rows) or csv, also in a zip, with a column “Advertisement ID”."
            ),
            gettext_lazy(
                "The same table is returned with five more columns on the right: number and name "
                "of the segment, probability, whether a person has reviewed it, and the status of "
                "the row. Nothing else changes."
            ),
        ),
        button=gettext_lazy("Classify"),
        accept=".xlsx,.csv,.txt,.tsv,.gz,.zip",
    )
    page_template = "tables/table.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Table]:
        return super().get_queryset(request).select_related("job")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:pk>/file/", wrap(require_safe(self.download)), name="tables_file"),
            path("<uuid:pk>/cancel/", wrap(require_POST(self.cancel)), name="tables_cancel"),
            *super().get_urls(),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Table) -> None:
        work.remove(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """List only the tables: the creatives that a table waited for are not deleted."""
        counts = {self.opts.verbose_name_plural: len(objs)}
        return [str(each) for each in objs], counts, set(), []

    # List

    def status_of(self, row: Table) -> Status:
        return status_of(row)

    @display(description=gettext_lazy("state"))
    def status(self, table: Table) -> str:
        return self.status_cell(table)

    def _counted(self, table: Table, name: str) -> str:
        return format_number(table.counts[name]) if table.counts else "—"

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
        return format_moment(table.created_at)

    @display(description=gettext_lazy("answer"))
    def file_link(self, table: Table) -> str:
        if not table.result:
            return "—"
        address = reverse("admin:tables_file", args=[table.pk])
        return format_html('<a class="cf-link" href="{}">{}</a>', address, _("Download"))

    # Upload

    def receive(self, request: HttpRequest) -> str | None:
        file = self.one_file(request)
        if file is None:
            return None
        language = (get_language() or "ru").split("-")[0]
        try:
            table = work.receive(file, file.name or "", person(request), language)
        except (CodedError, QuotaExceeded) as error:
            messages.error(request, str(error))
            return None
        return self.page_address(table)

    # Page of one table

    def context_of(self, request: HttpRequest, row: Table) -> dict[str, Any]:
        return {
            "table": row,
            "facts": facts_of(row),
            "cancel_url": reverse("admin:tables_cancel", args=[row.pk]),
        }

    def download(self, request: HttpRequest, pk: Any) -> HttpResponseBase:
        """Send the classified table as a download."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        table = get_object_or_404(self.get_queryset(request).exclude(result=""), pk=pk)
        return attachment(table)

    def cancel(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Cancel the table's job."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        table = get_object_or_404(self.get_queryset(request), pk=pk)
        if work.cancel(table):
            messages.success(request, _("Cancelled."))
        else:
            messages.warning(request, _("The job has already ended."))
        return redirect(self.page_address(table))
