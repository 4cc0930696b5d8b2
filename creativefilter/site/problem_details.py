"""Problem details (RFC 9457): the form of all errors that the API returns."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PROBLEM_JSON = "application/problem+json"
# Addresses for programs: the API, and those of the reference service.
API_PREFIXES = ("/api/", "/predict")

TITLES: dict[int, str | Promise] = {
    400: _("Invalid request"),
    401: _("Authentication required"),
    403: _("Permission denied"),
    404: _("Not found"),
    405: _("Method not allowed"),
    406: _("No response of the requested type is available"),
    411: _("Length required"),
    409: _("Conflict with the current state"),
    412: _("It has changed in the meantime"),
    413: _("The request is too large"),
    415: _("Unsupported media type"),
    422: _("The request can't be processed"),
    429: _("Too many requests"),
    500: _("Internal error"),
    503: _("Temporarily unavailable"),
    507: _("Insufficient storage"),
}
TOO_LARGE = _("The request is larger than this server accepts.")


def is_api(request: HttpRequest) -> bool:
    """Return whether the address is one for programs."""
    return request.path.startswith(API_PREFIXES)


def answer(
    request: HttpRequest,
    status: int,
    code: str,
    detail: Any,
    errors: dict[str, list[dict[str, str]]] | None = None,
) -> HttpResponse:
    """Return a problem as a response.

    Args:
        request: The request; its path becomes ``instance``.
        status: The HTTP status.
        code: The stable name of the error.
        detail: A sentence for people.
        errors: Errors of the request's fields, by field name, each with ``message`` and ``code``;
            left out if empty.
    """
    body: dict[str, Any] = {
        "type": f"urn:problem-type:creative-filter:{code.replace('_', '-')}",
        "title": str(TITLES.get(status) or HTTPStatus(status).phrase),
        "status": status,
        "detail": str(detail),
        "code": code,
        "instance": request.path,
    }
    if errors:
        body["errors"] = errors
    content = json.dumps(body, ensure_ascii=False)
    return HttpResponse(content, status=status, content_type=PROBLEM_JSON)
