"""The schema as pages to read and to try out, made of our own files alone."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.urls import reverse
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerView,
)
from rest_framework.exceptions import NotAuthenticated

from creativefilter.api.core.generics import CountedFirst

# Redoc would fetch a logo from its makers; both pages set styles and begin by inline scripts.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; worker-src blob:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class Page:
    """Mixin of a page for people: who is not logged in is led to the login; no other host."""

    url_name = "api:schema"

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, NotAuthenticated):
            request: Any = self.request  # type: ignore[attr-defined]
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return super().handle_exception(exc)  # type: ignore[misc]

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)  # type: ignore[misc]
        response["Content-Security-Policy"] = POLICY
        return response


class SchemaView(CountedFirst, SpectacularAPIView):
    """The schema itself."""


class SwaggerView(Page, CountedFirst, SpectacularSwaggerView):
    """Tried out with the session of whoever looks at it."""


class RedocView(Page, CountedFirst, SpectacularRedocView):
    """For reading."""
