"""Whether the process answers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse


def healthz(_request: HttpRequest) -> HttpResponse:
    """Tell load balancers that the process answers."""
    return JsonResponse({"status": "ok"})
