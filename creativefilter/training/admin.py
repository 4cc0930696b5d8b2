"""Admin of model versions: their figures, and which one is active."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.models import ModelVersion
from creativefilter.site.codes import CodedError
from creativefilter.training import html_report, labelled_creatives, version_page
from creativefilter.training.facts import facts_of
from creativefilter.ui.row_access import ReadOnlyAdmin


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("name", "is_active", "is_ancestor", "macro_f1", "used", "created_at")
    fields = ("name", "is_active", "is_ancestor", "digest", "folder", "created_at")
    change_form_template = "training/version.html"
    actions_row = ("activate_version",)
    actions_detail = ("activate_version", "choose_ancestor")

    class Media:
        css = {"all": ("creativefilter/creatives.css",)}

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/figures/", wrap(self.figures), name="training_version_figures"),
            *super().get_urls(),
        ]

    def figures(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return all figures of a version with charts, as a page that can be saved."""
        version = get_object_or_404(ModelVersion, pk=pk)
        if not self.has_view_permission(request, version):
            raise PermissionDenied
        page = version_page.page_of(version)
        if page is None:
            raise Http404
        nonce = str(request.csp_nonce)  # type: ignore[attr-defined]
        return HttpResponse(html_report.render(page, nonce))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        context = version_page.admin_context(version) if version else {}
        context["exam_shortage"] = labelled_creatives.exam_shortage()
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

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
        description=gettext_lazy("Activate"),
        permissions=["activate"],
        icon="check_circle",
        dialog={
            "title": gettext_lazy("Activate this version?"),
            "description": gettext_lazy(
                "Every creative that this version has not decided by the current settings is "
                "decided again. Labels and the predictions of other versions are kept."
            ),
            "form_class": None,
            "form_submit_text": gettext_lazy("Activate"),
        },
    )
    def activate_version(self, request: HttpRequest, form: Any, object_id: int) -> HttpResponse:
        version = get_object_or_404(ModelVersion, pk=object_id)
        try:
            with transaction.atomic():
                model_versions.activate(version)
                queued = decide_again(cast(User, request.user))
        except CodedError as error:
            messages.error(request, str(error))
        else:
            text = _("%(version)s is active now; creatives to be classified again: %(count)d.")
            count = queued.creatives if queued else 0
            messages.success(request, text % {"version": version, "count": count})
        onward = reverse("admin:creatives_modelversion_changelist")
        return HttpResponse(headers={"HX-Redirect": onward})

    @action(
        description=gettext_lazy("Make it the ancestor"),
        permissions=["activate"],
        icon="account_tree",
        dialog={
            "title": gettext_lazy("Make this version the ancestor?"),
            "description": gettext_lazy(
                "Each training tries to mix the text model of the ancestor into the new version. "
                "The version that is active now stays active."
            ),
            "form_class": None,
            "form_submit_text": gettext_lazy("Make it the ancestor"),
        },
    )
    def choose_ancestor(self, request: HttpRequest, form: Any, object_id: int) -> HttpResponse:
        version = get_object_or_404(ModelVersion, pk=object_id)
        # The starter's recipe does not name its text model.
        if facts_of(version).get("recipe", {}).get("text", "linear") == "linear":
            model_versions.choose_ancestor(version)
            messages.success(request, _("%s is the ancestor of the next versions now.") % version)
        else:
            sentence = _("A version with a fine-tuned encoder can't be mixed into others.")
            messages.error(request, sentence)
        onward = reverse("admin:creatives_modelversion_change", args=[version.pk])
        return HttpResponse(headers={"HX-Redirect": onward})
