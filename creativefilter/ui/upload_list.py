"""Base of the upload pages: a list with current states, an upload form, a page of each upload.

Creatives, spend imports and tables to be classified are uploads. ``progress.js`` refreshes the
states on these pages and shows the progress of an upload that is being sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from creativefilter.ui.model_admin import ModelAdmin
from creativefilter.ui.pages import wants_json

# Rows whose states one request of ``progress.js`` may ask for.
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Status:
    """State of an upload, for its page and for ``progress.js``.

    Attributes:
        id: Key of the row.
        state: Suffix of the CSS class ``cf-status-…``.
        title: The state in words.
        percent: Progress of the job, 0 to 100.
        final: Whether the state stays the same until a user acts.
        message: Why the upload failed; "" if it did not.
    """

    id: str | int
    state: str
    title: str
    percent: int
    final: bool
    message: str


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Texts and options of an upload form.

    Attributes:
        icon: Name of a Material symbol.
        title: What to choose or drop here.
        hints: Which files are accepted, and what is done with them.
        button: Title of the button.
        accept: Suffixes that the browser offers, separated by commas; "" for all files.
        field: Name of the file field.
        multiple: Whether several files can be chosen.
        more: Template of additional fields; "" for none.
    """

    icon: str
    title: str | Promise
    hints: Sequence[str | Promise]
    button: str | Promise
    accept: str = ""
    field: str = "file"
    multiple: bool = False
    more: str = ""


class UploadListAdmin(ModelAdmin):
    """``ModelAdmin`` of uploads.

    Subclasses implement ``status_of``, ``receive`` and ``context_of``.
    """

    # Prefix of URL names.
    url_prefix: ClassVar[str]
    upload_title: ClassVar[str | Promise]
    upload_form: ClassVar[UploadForm]
    page_template: ClassVar[str]
    list_per_page = 50

    class Media:
        css = {"all": ("creativefilter/creatives.css", "creativefilter/uploads.css")}
        js = ("creativefilter/progress.js",)

    def status_of(self, row: Any) -> Status:
        """Return the state of an upload. Subclasses must override this method."""
        raise NotImplementedError

    def receive(self, request: HttpRequest) -> str | None:
        """Store the files of a form. Subclasses must override this method.

        Returns:
            The address to redirect to; None if all files were refused.
        """
        raise NotImplementedError

    def context_of(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return additional context for the page of an upload. Subclasses must override this."""
        raise NotImplementedError

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_safe(self.progress))
        return [
            path("progress/", view, name=f"{self.url_prefix}_progress"),
            *super().get_urls(),
        ]

    def page_address(self, row: Model) -> str:
        """Return the address of the page of an upload."""
        return self._address("change", row.pk)

    def _address(self, view: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{view}", args=args)

    # The list

    def status_cell(self, row: Any) -> str:
        """Return the HTML of a row's state for the list."""
        status = self.status_of(row)
        return format_html(
            '<span class="cf-status cf-status-{}" data-upload-id="{}" data-final="{}"'
            ' data-source="{}" title="{}"><span class="cf-status-title">{}</span>'
            '<span class="cf-bar"><span style="width:{}%"></span></span></span>',
            status.state,
            status.id,
            "1" if status.final else "",
            reverse(f"admin:{self.url_prefix}_progress"),
            status.message,
            status.title,
            status.percent,
        )

    def progress(self, request: HttpRequest) -> JsonResponse:
        """Return the states of the rows ``?id=1&id=2`` as JSON. Unknown keys are ignored."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        keys = []
        for text in request.GET.getlist("id")[:MOST_ROWS]:
            try:
                keys.append(self.opts.pk.clean(text, None))
            except ValidationError:
                continue
        rows = self.get_queryset(request).filter(pk__in=keys)
        return JsonResponse({"rows": [asdict(self.status_of(row)) for row in rows]})

    # The upload form

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            onward = self.receive(request) or self._address("add")
            # ``progress.js`` follows the address itself when the upload is complete.
            if wants_json(request):
                return JsonResponse({"location": onward})
            return redirect(onward)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.upload_title,
            "media": self.media,
            "upload": self.upload_form,
        }
        return TemplateResponse(request, "ui/upload_page.html", context)

    def one_file(self, request: HttpRequest) -> UploadedFile | None:
        """Return the file of a form that accepts one file.

        Returns None and adds an error message if the form has no file or several.
        """
        files = request.FILES.getlist(self.upload_form.field)
        if len(files) == 1:
            return files[0]
        messages.error(request, _("Choose one file."))
        return None

    # One upload

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row),
            "media": self.media,
            "status": self.status_of(row),
            "progress_url": reverse(f"admin:{self.url_prefix}_progress"),
            "list_url": self._address("changelist"),
            "delete_url": self._address("delete", row.pk),
            "may_add": self.has_add_permission(request),
            "may_change": self.has_change_permission(request, row),
            "may_delete": self.has_delete_permission(request, row),
            **self.context_of(request, row),
        }
        return TemplateResponse(request, self.page_template, context)
