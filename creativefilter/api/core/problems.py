"""Every error of the API in one shape (RFC 9457), with codes that programs can rely on.

Views raise what Django and REST framework raise anyway, or a ``Problem`` where these have no word
for it. ``type`` is a name, not an address: it tells kinds of errors apart and is never fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from django.views.csrf import csrf_failure as csrf_page
from rest_framework import exceptions, serializers
from rest_framework.authentication import SessionAuthentication

from creativefilter.jobs.kinds import Unavailable
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site.codes import CodedError, sentence

PROBLEM_JSON = "application/problem+json"
# What programs ask: the API, and the reference service's addresses.
API_PREFIXES = ("/api/", "/predict")

TITLES: dict[int, str | Promise] = {
    400: _("The request is wrong"),
    401: _("A login is needed"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("The address does not know this method"),
    406: _("There is no answer of the wanted type"),
    411: _("The length is missing"),
    409: _("It does not fit the present state"),
    412: _("It has changed in the meantime"),
    413: _("The request is too large"),
    415: _("The body has the wrong type"),
    422: _("The request can't be carried out"),
    429: _("Too many requests"),
    500: _("The program made a mistake"),
    503: _("The program is not available now"),
}
TOO_LARGE = _("What was sent is larger than this server takes.")
# REST framework's own words for what went wrong say less than these.
_CODES = {
    "invalid": "invalid_input",
    "parse_error": "malformed_request",
    "authentication_failed": "invalid_token",
    "error": "internal",
}


class Problem(exceptions.APIException):
    """An error that REST framework has no exception for.

    ``code`` is snake_case and never changes; ``detail`` is a translated sentence.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str | Promise = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = status
        self.headers = dict(headers or {})
        super().__init__(str(detail or TITLES.get(status, "")), code)


class Conflict(Problem):
    """409: it does not fit the state that something is in."""

    def __init__(self, detail: str | Promise, code: str = "conflict") -> None:
        super().__init__(code, 409, detail)


class FieldProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField(help_text="A sentence in the language of Accept-Language.")


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong (RFC 9457). Programs decide by `code`, people read `detail`."""

    type = serializers.CharField(help_text="Name of the kind of error; not an address.")
    title = serializers.CharField(help_text="A few words, the same for every error of the status.")
    status = serializers.IntegerField(min_value=400, max_value=599)
    detail = serializers.CharField(help_text="A sentence in the language of Accept-Language.")
    code = serializers.CharField(help_text="Stable, snake_case.")
    instance = serializers.CharField(help_text="The address that was asked, without its query.")
    errors = serializers.DictField(  # type: ignore[assignment]  # hides what only forms need
        child=FieldProblemSerializer(many=True),
        required=False,
        help_text="Where fields are wrong: the name of each, and what is wrong with it.",
    )


class CheckedSession(SessionAuthentication):
    """The session of the admin pages; a missing CSRF token has a code of its own."""

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise Problem("csrf_failed", 403, str(error.detail)) from error


def answer(
    request: HttpRequest,
    status: int,
    code: str,
    detail: Any,
    errors: dict[str, list[dict[str, str]]] | None = None,
) -> HttpResponse:
    """The answer to a request that went wrong."""
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


def handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """REST framework's EXCEPTION_HANDLER. None for faults of the program, which are raised."""
    known = _as_api_exception(exc)
    if known is None:
        return None
    details = known.get_full_details()
    if isinstance(known, exceptions.ValidationError):
        code, errors = "invalid_input", dict(_by_field(details))
        detail: Any = _("Some of what was sent is wrong; see `errors`.")
    else:
        code, errors = _code(str(known.get_codes())), {}
        detail = known.detail
    response = answer(context["request"], known.status_code, code, detail, errors)
    for name, value in getattr(known, "headers", {}).items():
        response[name] = value
    if header := getattr(known, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(known, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


def _as_api_exception(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, exceptions.APIException):
        return exc
    if isinstance(exc, Http404):
        return exceptions.NotFound()
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(exc, QuotaExceeded):
        return Problem("too_many_open_jobs", 429, str(exc), {"Retry-After": "60"})
    if isinstance(exc, Unavailable):
        return Problem(exc.code, 503, sentence(exc.code), {"Retry-After": "60"})
    if isinstance(exc, CodedError):
        return Problem(exc.code, exc.status, str(exc))
    if isinstance(exc, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
        return too_large()
    if isinstance(exc, SuspiciousOperation | BadRequest | UnreadablePostError):
        return exceptions.ParseError()
    return None


def too_large() -> Problem:
    return Problem("too_large", 413, TOO_LARGE)


def _code(code: str) -> str:
    return _CODES.get(code, code)


def _by_field(details: Any, path: str = "") -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Nested errors under flat names: ``items.0.segment_num``."""
    if isinstance(details, dict) and not {"message", "code"} <= set(details):
        for name, inner in details.items():
            yield from _by_field(inner, f"{path}.{name}" if path else str(name))
        return
    entries = details if isinstance(details, list) else [details]
    if all("message" in entry and "code" in entry for entry in entries):
        found = [{"code": str(e["code"]), "message": str(e["message"])} for e in entries]
        if found:
            yield path or "non_field_errors", found
        return
    for index, inner in enumerate(entries):
        yield from _by_field(inner, f"{path}.{index}" if path else str(index))


# What goes wrong outside of a view of REST framework; all but the API keep Django's pages.


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIXES)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return answer(request, 404, "not_found", exceptions.NotFound.default_detail)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.permission_denied(request, exception)
    return answer(request, 403, "permission_denied", exceptions.PermissionDenied.default_detail)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
        return refuse_large(request)
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return answer(request, 400, "malformed_request", exceptions.ParseError.default_detail)


def refuse_large(request: HttpRequest) -> HttpResponse:
    """413 as programs, or as browsers want it."""
    if _is_api(request):
        return answer(request, 413, "too_large", TOO_LARGE)
    return HttpResponse(str(TOO_LARGE), status=413, content_type="text/plain; charset=utf-8")


def length_needed(request: HttpRequest) -> HttpResponse:
    detail = _("Say in Content-Length how long the body is.")
    if _is_api(request):
        return answer(request, 411, "length_needed", detail)
    return HttpResponse(str(detail), status=411, content_type="text/plain; charset=utf-8")


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_api(request):
        return defaults.server_error(request)
    detail = _("Something in the program itself went wrong. Try again later.")
    return answer(request, 500, "internal", detail)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if not _is_api(request):
        return csrf_page(request, reason)
    return answer(request, 403, "csrf_failed", reason)
