"""Middleware that sets headers of all responses except static files."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import NONE, SELF, UNSAFE_EVAL
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# Policy of responses that are not HTML: they load and run nothing.
NOT_A_PAGE = {"default-src": [NONE], "frame-ancestors": [NONE]}
# The admin's theme uses Alpine.js, which evaluates attributes as expressions.
THEME = {"script-src": [UNSAFE_EVAL]}
# ReDoc's search runs in a worker from a blob: address. Its logo from another host stays blocked.
SCHEMA_PAGE = {"worker-src": [SELF, "blob:"]}


class ContentPolicy(CSPMiddleware):
    """Set the settings' Content-Security-Policy, with exceptions for some pages."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not response.get("Content-Type", "").startswith("text/html"):
            parts.config = NOT_A_PAGE
        elif request.path.startswith("/admin/"):
            parts.update = THEME
        elif request.path.startswith("/api/"):
            parts.update = SCHEMA_PAGE
        return parts


class NoStore:
    """Set ``Cache-Control: no-store`` on responses that don't set the header themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
