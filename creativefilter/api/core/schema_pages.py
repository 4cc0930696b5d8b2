"""Pages of the OpenAPI schema, which load no files from other hosts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.urls import reverse
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.exceptions import NotAuthenticated

from creativefilter.api.core.generics import CountedFirst


class Page:
    """Mixin for pages that people read: without a login, redirect to the login page."""

    url_name = "api:schema"

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, NotAuthenticated):
            request: Any = self.request  # type: ignore[attr-defined]
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return super().handle_exception(exc)  # type: ignore[misc]


class SchemaView(CountedFirst, SpectacularAPIView):
    """The OpenAPI schema."""


class SwaggerView(Page, CountedFirst, SpectacularSwaggerSplitView):
    """Swagger UI, which sends requests with the session of the reader."""


class RedocView(Page, CountedFirst, SpectacularRedocView):
    """Redoc, for reading only."""
