"""Admin of spend imports: the list, the upload form, the page of an import."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from creativefilter.sheets.containers import TABLE_SUFFIXES
from creativefilter.site.codes import CodedError
from creativefilter.spend.admin.import_page import (
    is_busy,
    offer_of,
    page_of,
    period_of,
    status_of,
)
from creativefilter.spend.imports import jobs as work
from creativefilter.spend.imports.errors import SpendFileError
from creativefilter.spend.models import SpendImport
from creativefilter.ui.formats import format_moment, format_number
from creativefilter.ui.pages import person
from creativefilter.ui.upload_list import Status, UploadForm, UploadListAdmin

State, Mode = SpendImport.State, SpendImport.Mode


class OwnerFilter(RelatedDropdownFilter):
    """Filter by owner that offers only users who have imports."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, str]]:
        owners = SpendImport.objects.order_by().values("owner")
        return field.get_choices(include_blank=False, limit_choices_to={"pk__in": owners})


@admin.register(SpendImport)
class SpendImportAdmin(UploadListAdmin):
    list_display = ("name", "status", "counted", "bad", "total", "months", "added")
    list_filter = ("state", ("owner", OwnerFilter), "created_at")
    list_filter_submit = True
    search_fields = ("name",)
    search_help_text = gettext_lazy("File name")
    # No bulk deletion: whether an import may be deleted depends on its state.
    actions = None
    url_prefix = "spend_import"
    upload_title = gettext_lazy("Import spend")
    upload_form = UploadForm(
        icon="upload_file",
        title=gettext_lazy("Choose a table or drop it here"),
        hints=(
            gettext_lazy(
                "csv, xlsx, xls, xlsb or ods, also as .gz or alone in a .zip. Columns: "
                "Advertisement ID, Advertiser, Brand, Media Type, Estimated cost RUB, Year, Month."
            ),
            gettext_lazy(
                "Encoding, delimiter and decimal mark are detected. The file is only checked "
                "first; you decide afterwards."
            ),
        ),
        button=gettext_lazy("Check"),
        accept=",".join((*TABLE_SUFFIXES, ".zip")),
    )
    page_template = "spend/import.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SpendImport]:
        # One query: if a job ended between two, the page would show its import's old state.
        return super().get_queryset(request).select_related("job", "owner")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        names = {"check": self.check_again, "import": self.start, "cancel": self.cancel}
        return [
            *(
                path(f"<int:pk>/{name}/", wrap(require_POST(view)), name=f"spend_import_{name}")
                for name, view in names.items()
            ),
            *super().get_urls(),
        ]

    # Permissions: "add" allows uploading and importing; imports are never edited.

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_replace(self, request: HttpRequest) -> bool:
        """Whether the user may replace stored months by those of a file."""
        return request.user.has_perm("spend.delete_spendrow")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj and (obj.state in (State.IMPORTED, State.REPLACED) or is_busy(obj)):
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Count the bad rows instead of listing them: there may be very many."""
        bad = sum(each.bad.count() for each in objs)
        counts = {self.opts.verbose_name_plural: len(objs), _("Bad rows"): format_number(bad)}
        return [str(each) for each in objs], counts, set(), []

    # The list

    def status_of(self, row: SpendImport) -> Status:
        return status_of(row)

    @display(description=gettext_lazy("state"), ordering="state")
    def status(self, spend_import: SpendImport) -> str:
        return self.status_cell(spend_import)

    @display(description=gettext_lazy("rows"), ordering="rows")
    def counted(self, spend_import: SpendImport) -> str:
        return format_number(spend_import.rows)

    @display(description=gettext_lazy("bad rows"), ordering="bad_rows")
    def bad(self, spend_import: SpendImport) -> str:
        return format_number(spend_import.bad_rows)

    @display(description=gettext_lazy("sum, RUB"), ordering="amount")
    def total(self, spend_import: SpendImport) -> str:
        return format_number(spend_import.amount, 2)

    @display(description=gettext_lazy("months"))
    def months(self, spend_import: SpendImport) -> str:
        return period_of(spend_import.report)

    @display(description=gettext_lazy("added"), ordering="created_at")
    def added(self, spend_import: SpendImport) -> str:
        return format_html(
            '{}<br><span class="cf-muted">{}</span>',
            format_moment(spend_import.created_at),
            spend_import.owner or "—",
        )

    # The upload form

    def receive(self, request: HttpRequest) -> str | None:
        """Store the file and start a job that checks it."""
        file = self.one_file(request)
        if file is None:
            return None
        try:
            owner = person(request)
            spend_import = work.receive_and_start(file, file.name or "", owner, dry_run=True)
        except CodedError as error:
            messages.error(request, str(error))
            return None
        return self.page_address(spend_import)

    # One import

    def context_of(self, request: HttpRequest, row: SpendImport) -> dict[str, Any]:
        return {
            **page_of(row),
            "may_replace": self.may_replace(request),
            "cancel_url": reverse("admin:spend_import_cancel", args=[row.pk]),
        }

    def _import_to_change(self, request: HttpRequest, pk: int) -> SpendImport:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def check_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Start a job that checks the file again."""
        return self._start_job(request, self._import_to_change(request, pk), dry_run=True)

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Start a job that imports the file with the options of the form."""
        spend_import = self._import_to_change(request, pk)
        mode, strict = request.POST.get("mode", ""), request.POST.get("rows") == "all"
        offer = offer_of(spend_import)
        existing = offer.existing.seen if offer else ""
        if mode == Mode.REPLACE and not self.may_replace(request):
            raise PermissionDenied
        if existing and mode not in Mode.values:
            messages.error(request, _("Choose what to do with the months that are already there."))
        elif existing and mode == Mode.REPLACE and request.POST.get("seen", "") != existing:
            messages.warning(
                request,
                _(
                    "What would be replaced has changed meanwhile. Nothing was imported: look at "
                    "it again."
                ),
            )
        else:
            mode = mode if existing else ""
            return self._start_job(request, spend_import, mode=mode, strict=strict)
        return redirect(self.page_address(spend_import))

    def _start_job(
        self, request: HttpRequest, spend_import: SpendImport, **how: Any
    ) -> HttpResponse:
        try:
            work.start(spend_import, person(request), **how)
        except SpendFileError as error:
            messages.warning(request, str(error))
        return redirect(self.page_address(spend_import))

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel the job of an import."""
        spend_import = self._import_to_change(request, pk)
        if work.cancel(spend_import):
            messages.success(request, _("Cancelled. Nothing was imported."))
        else:
            messages.warning(request, _("The job has already ended."))
        return redirect(self.page_address(spend_import))
