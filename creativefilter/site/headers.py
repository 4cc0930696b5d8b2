"""Headers of every answer that is no static file."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import NONE, SELF, UNSAFE_EVAL
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# What is no page runs nothing, wherever it is opened.
NOT_A_PAGE = {"default-src": [NONE], "frame-ancestors": [NONE]}
# The admin's theme is made with Alpine, which evaluates the attributes of its elements.
THEME = {"script-src": [UNSAFE_EVAL]}
# ReDoc searches in a worker that it builds itself; its makers' logo stays out.
SCHEMA_PAGE = {"worker-src": [SELF, "blob:"]}


class ContentPolicy(CSPMiddleware):
    """The policy of the settings for pages, with the exceptions that a page needs."""

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
    """Middleware: answers are private, and nobody keeps them who is not told to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
