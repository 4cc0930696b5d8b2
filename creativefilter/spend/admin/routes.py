"""URLs and permissions of the pages of spend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import get_select2_language
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path

from creativefilter.spend.admin import chart_pages, creative_pages, relabel
from creativefilter.spend.admin.plotly_assets import plotly
from creativefilter.spend.models import Advertisement
from creativefilter.ui.row_access import ReadOnlyAdmin

View = Callable[..., HttpResponseBase]


@admin.register(Advertisement)
class AdvertisementAdmin(ReadOnlyAdmin):
    """Admin of advertisements: the change list is the list of creatives behind a figure."""

    @property
    def media(self) -> forms.Media:
        """Media of the pages, with Select2 from Django's admin."""
        extra = "" if settings.DEBUG else ".min"
        language = get_select2_language()
        return super().media + forms.Media(
            js=(
                f"admin/js/vendor/jquery/jquery{extra}.js",
                f"admin/js/vendor/select2/select2.full{extra}.js",
                *([f"admin/js/vendor/select2/i18n/{language}.js"] if language else []),
                "admin/js/jquery.init.js",
                "creativefilter/spend.js",
            ),
            css={
                "all": (
                    f"admin/css/vendor/select2/select2{extra}.css",
                    "creativefilter/creatives.css",
                    "creativefilter/spend.css",
                )
            },
        )

    def get_urls(self) -> list[Any]:
        views: dict[str, tuple[str, View]] = {
            "": ("advertisement_changelist", creative_pages.creatives),
            "charts/": ("charts", chart_pages.charts),
            "overview/": ("overview", chart_pages.overview),
            "chart/<slug:name>/": ("chart", chart_pages.chart),
            "chart/<slug:name>/<str:form>/": ("table", chart_pages.table),
            "choices/<str:dimension>/": ("choices", chart_pages.choices),
            "export/<str:form>/": ("export", creative_pages.export),
            "exported/<uuid:pk>/": ("exported", creative_pages.exported),
            "exported/<uuid:pk>/file/": ("exported_file", creative_pages.exported_file),
            "exported/<uuid:pk>/cancel/": ("exported_cancel", creative_pages.exported_cancel),
            "working/<uuid:pk>/": ("working", chart_pages.working),
            "relabel/": ("relabel", relabel.relabel),
        }
        return [
            # The library is public, so that browsers and proxies may cache it.
            path("plotly-<str:release>.min.js", plotly, name="spend_plotly"),
            *(
                path(route, self.admin_site.admin_view(self._guarded(view)), name=f"spend_{name}")
                for route, (name, view) in views.items()
            ),
        ]

    def _guarded(self, view: View) -> View:
        """Wrap a view to refuse users who may not view creatives."""

        def guarded(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            if not self.has_view_permission(request):
                raise PermissionDenied
            return view(self, request, **arguments)

        return guarded

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("creatives.view_creative")
