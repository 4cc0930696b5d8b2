"""Error responses outside of REST framework's views.

Addresses of the API get problem details, others Django's error pages.
"""

from __future__ import annotations

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from django.views.csrf import csrf_failure as csrf_page
from rest_framework import exceptions

from creativefilter.site import database_errors, disk_full
from creativefilter.site.codes import sentence
from creativefilter.site.problem_details import TOO_LARGE, answer, is_api
from creativefilter.site.unavailable import RETRY_AFTER_SECONDS, Unavailable


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_api(request):
        return defaults.page_not_found(request, exception)
    return answer(request, 404, "not_found", exceptions.NotFound.default_detail)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_api(request):
        return defaults.permission_denied(request, exception)
    return answer(request, 403, "permission_denied", exceptions.PermissionDenied.default_detail)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
        return refuse_large(request)
    if not is_api(request):
        return defaults.bad_request(request, exception)
    return answer(request, 400, "malformed_request", exceptions.ParseError.default_detail)


def refuse_large(request: HttpRequest) -> HttpResponse:
    """Return 413: problem details for the API, plain text for browsers."""
    if is_api(request):
        return answer(request, 413, "too_large", TOO_LARGE)
    return HttpResponse(str(TOO_LARGE), status=413, content_type="text/plain; charset=utf-8")


def length_needed(request: HttpRequest) -> HttpResponse:
    """Return 411: problem details for the API, plain text for browsers."""
    detail = _("Give the length of the body in Content-Length.")
    if is_api(request):
        return answer(request, 411, "length_needed", detail)
    return HttpResponse(str(detail), status=411, content_type="text/plain; charset=utf-8")


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 507 for a full disk, 503 for an unreachable database or storage, else 500."""
    error = sys.exception()  # Django calls this function in its except block
    if disk_full.is_full(error):
        return _storage_full(request)
    code = error.code if isinstance(error, Unavailable) else database_errors.code_of(error)
    if code:
        return unavailable(request, code)
    if not is_api(request):
        return defaults.server_error(request)
    detail = _("An internal error occurred. Try again later.")
    return answer(request, 500, "internal", detail)


def unavailable(request: HttpRequest, code: str) -> HttpResponse:
    """Return 503 with the sentence of a code: the database or a service does not answer."""
    if is_api(request):
        response = answer(request, 503, code, sentence(code))
    else:
        content = render_to_string("503.html", {"words": sentence(code)})
        response = HttpResponse(content, status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _storage_full(request: HttpRequest) -> HttpResponse:
    detail = sentence("storage_full")
    if is_api(request):
        return answer(request, 507, "storage_full", detail)
    return HttpResponse(detail, status=507, content_type="text/plain; charset=utf-8")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if not is_api(request):
        return csrf_page(request, reason)
    return answer(request, 403, "csrf_failed", reason)
