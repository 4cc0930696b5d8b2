"""The schema as pages to read and to try out, made of our own files alone."""

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
    """Mixin of a page for people: who is not logged in is led to the login."""

    url_name = "api:schema"

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, NotAuthenticated):
            request: Any = self.request  # type: ignore[attr-defined]
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return super().handle_exception(exc)  # type: ignore[misc]


class SchemaView(CountedFirst, SpectacularAPIView):
    """The schema itself."""


class SwaggerView(Page, CountedFirst, SpectacularSwaggerSplitView):
    """Tried out with the session of whoever looks at it."""


class RedocView(Page, CountedFirst, SpectacularRedocView):
    """For reading."""
