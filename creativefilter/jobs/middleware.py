"""Says on a page that somebody has too many jobs, wherever that comes up."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from creativefilter.jobs.quota import QuotaExceeded


class SayQuota:
    """Middleware of pages, after the one of messages; the API has its own way of saying it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, QuotaExceeded):
            return None
        messages.error(request, str(exception))
        back = request.headers.get("Referer", "")
        here = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
        return redirect(back if here else "admin:index")
