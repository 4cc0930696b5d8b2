"""Imports of spend: the list, the page that takes a file, the page of one import."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from creativefilter.creatives.admin.creative import person
from creativefilter.site.codes import CodedError
from creativefilter.spend.admin.import_page import (
    count,
    is_busy,
    money,
    offer_of,
    page_of,
    period_of,
    status_of,
)
from creativefilter.spend.imports import jobs as work
from creativefilter.spend.imports.errors import SpendFileError
from creativefilter.spend.models import SpendImport

PROGRESS_AT_ONCE = 500
State, Mode = SpendImport.State, SpendImport.Mode


class OwnerFilter(RelatedDropdownFilter):
    """Those who brought a file, not every user there is."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, str]]:
        owners = SpendImport.objects.order_by().values("owner")
        return field.get_choices(include_blank=False, limit_choices_to={"pk__in": owners})


@admin.register(SpendImport)
class SpendImportAdmin(ModelAdmin):
    list_display = ("name", "status", "counted", "bad", "total", "months", "added")
    list_filter = ("state", ("owner", OwnerFilter), "created_at")
    list_filter_submit = True
    list_per_page = 50
    search_fields = ("name",)
    search_help_text = gettext_lazy("File name")
    # Deleting needs a look at each: what is imported stays.
    actions = None

    class Media:
        css = {"all": ("creativefilter/creatives.css", "creativefilter/spend_import.css")}
        js = ("creativefilter/progress.js", "creativefilter/spend_import.js")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SpendImport]:
        # One look at both: a job that ends between two looks would leave its import as it was.
        return super().get_queryset(request).select_related("job", "owner")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        names = {"check": self.check_again, "import": self.start, "cancel": self.cancel}
        return [
            path("progress/", wrap(self.progress), name="spend_import_progress"),
            *(
                path(f"<int:pk>/{name}/", wrap(require_POST(view)), name=f"spend_import_{name}")
                for name, view in names.items()
            ),
            *super().get_urls(),
        ]

    # Who may do what: to add is to upload and to import, and nothing is ever edited.

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_replace(self, request: HttpRequest) -> bool:
        """Whether one may have the months that are there removed for those of a file."""
        return request.user.has_perm("spend.delete_spendrow")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj and (obj.state in (State.IMPORTED, State.REPLACED) or is_busy(obj)):
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Its bad rows are counted, not listed: there may be as many as rows."""
        bad = sum(each.bad.count() for each in objs)
        counts = {self.opts.verbose_name_plural: len(objs), _("Bad rows"): count(bad)}
        return [str(each) for each in objs], counts, set(), []

    # The list

    @display(description=gettext_lazy("state"), ordering="state")
    def status(self, spend_import: SpendImport) -> str:
        now = status_of(spend_import)
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

    @display(description=gettext_lazy("rows"), ordering="rows")
    def counted(self, spend_import: SpendImport) -> str:
        return count(spend_import.rows)

    @display(description=gettext_lazy("bad rows"), ordering="bad_rows")
    def bad(self, spend_import: SpendImport) -> str:
        return count(spend_import.bad_rows)

    @display(description=gettext_lazy("sum, RUB"), ordering="amount")
    def total(self, spend_import: SpendImport) -> str:
        return money(Decimal(spend_import.amount))

    @display(description=gettext_lazy("months"))
    def months(self, spend_import: SpendImport) -> str:
        return period_of(spend_import.report)

    @display(description=gettext_lazy("added"), ordering="created_at")
    def added(self, spend_import: SpendImport) -> str:
        return format_html(
            '{}<br><span class="cf-muted">{}</span>',
            date_format(localtime(spend_import.created_at), "SHORT_DATETIME_FORMAT"),
            spend_import.owner or "—",
        )

    def progress(self, request: HttpRequest) -> JsonResponse:
        """States of the imports that a page shows: ``?id=1&id=2``."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.getlist("id")[:PROGRESS_AT_ONCE]
        ids = [int(pk) for pk in asked if pk.isdecimal() and len(pk) < 19]
        rows = self.get_queryset(request).filter(pk__in=ids)
        return JsonResponse({"imports": [status_of(row) for row in rows]})

    # Taking a file

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
            "title": _("Import spend"),
            "media": self.media,
        }
        return TemplateResponse(request, "spend/import_add.html", context)

    def _receive(self, request: HttpRequest) -> str:
        """Keeps the file and has it looked at; where to go on."""
        files = request.FILES.getlist("file")
        if len(files) != 1:
            messages.error(request, _("Choose one file."))
            return reverse("admin:spend_spendimport_add")
        [file] = files
        try:
            owner = person(request)
            spend_import = work.receive_and_start(file, file.name or "", owner, dry_run=True)
        except CodedError as error:
            messages.error(request, str(error))
            return reverse("admin:spend_spendimport_add")
        return page_address(spend_import.pk)

    # One import

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        spend_import = self.get_object(request, object_id)
        if spend_import is None:
            raise Http404
        if not self.has_view_permission(request, spend_import):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **page_of(spend_import),
            "opts": self.opts,
            "original": spend_import,
            "title": str(spend_import),
            "media": self.media,
            "may_add": self.has_add_permission(request),
            "may_replace": self.may_replace(request),
            "may_delete": self.has_delete_permission(request, spend_import),
        }
        return TemplateResponse(request, "spend/import.html", context)

    def _asked_for(self, request: HttpRequest, pk: int) -> SpendImport:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def check_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Looks at the file once more."""
        return self._begin(request, self._asked_for(request, pk), dry_run=True)

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Imports the file in the way that was chosen."""
        spend_import = self._asked_for(request, pk)
        mode, strict = request.POST.get("mode", ""), request.POST.get("rows") == "all"
        offer = offer_of(spend_import)
        there = offer.existing.seen if offer else ""
        if mode == Mode.REPLACE and not self.may_replace(request):
            raise PermissionDenied
        if there and mode not in Mode.values:
            messages.error(request, _("Choose what becomes of the months that are there."))
        elif there and mode == Mode.REPLACE and request.POST.get("seen", "") != there:
            messages.warning(
                request,
                _(
                    "What would be replaced has changed meanwhile. Nothing was imported: look at "
                    "it again."
                ),
            )
        else:
            mode = mode if there else ""
            return self._begin(request, spend_import, mode=mode, strict=strict)
        return redirect(page_address(pk))

    def _begin(self, request: HttpRequest, spend_import: SpendImport, **how: Any) -> HttpResponse:
        try:
            work.start(spend_import, person(request), **how)
        except SpendFileError as error:
            messages.warning(request, str(error))
        return redirect(page_address(spend_import.pk))

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stops what is going on with the file."""
        if work.cancel(self._asked_for(request, pk)):
            messages.success(request, _("Cancelled. Nothing was imported."))
        else:
            messages.warning(request, _("It had ended already."))
        return redirect(page_address(pk))


def page_address(pk: int) -> str:
    return reverse("admin:spend_spendimport_change", args=[pk])
