"""Middleware that shows errors of any page as a message: full quota, unavailable storage."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site.codes import sentence
from creativefilter.site.unavailable import Unavailable


class QuotaMessages:
    """Show ``QuotaExceeded`` and ``Unavailable`` as a message and redirect to the previous page.

    Must come after ``MessageMiddleware``. The API handles these exceptions itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, QuotaExceeded):
            messages.error(request, str(exception))
        elif isinstance(exception, Unavailable):
            messages.error(request, sentence(exception.code))
        else:
            return None
        back = request.headers.get("Referer", "")
        here = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
        return redirect(back if here else "admin:index")
