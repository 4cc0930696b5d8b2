"""Errors of the API as problem details (RFC 9457) with stable codes for programs.

Views raise exceptions of Django, DRF or the services (see ``_as_api_exception``), or a ``Problem``
if none of these fits. ``type`` is a URN that identifies the kind of error; it can't be fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpResponse, UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.authentication import SessionAuthentication

from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site import disk_full
from creativefilter.site.codes import CodedError, sentence
from creativefilter.site.problem_details import TITLES, TOO_LARGE, answer
from creativefilter.site.unavailable import RETRY_AFTER_SECONDS, Unavailable

# DRF's codes, and the more specific codes that replace them.
_CODES = {
    "invalid": "invalid_input",
    "parse_error": "malformed_request",
    "authentication_failed": "invalid_token",
    "error": "internal",
}


class Problem(exceptions.APIException):
    """An error for which DRF has no exception.

    Args:
        code: Stable code in snake_case.
        status: HTTP status.
        detail: Translated sentence; by default the title of the status.
        headers: Additional headers of the response.
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
    """409: the request does not fit the current state of the resource."""

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
    instance = serializers.CharField(help_text="The path of the request, without the query string.")
    errors = serializers.DictField(  # type: ignore[assignment]  # hides what only forms need
        child=FieldProblemSerializer(many=True),
        required=False,
        help_text="The errors of each invalid field, by its name.",
    )


class CheckedSession(SessionAuthentication):
    """Authentication by the session of the admin pages, with the code ``csrf_failed``."""

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise Problem("csrf_failed", 403, str(error.detail)) from error


def handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the response to an exception (DRF's ``EXCEPTION_HANDLER``).

    Returns:
        None for errors in the program, which DRF raises again.
    """
    known = _as_api_exception(exc)
    if known is None:
        return None
    details = known.get_full_details()
    if isinstance(known, exceptions.ValidationError):
        code, errors = "invalid_input", dict(_by_field(details))
        detail: Any = _("Some of the values are invalid; see `errors`.")
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
    if disk_full.is_full(exc):
        return Problem("storage_full", 507, sentence("storage_full"))
    if isinstance(exc, exceptions.APIException):
        return exc
    if isinstance(exc, Http404):
        return exceptions.NotFound()
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(exc, QuotaExceeded):
        return Problem("too_many_open_jobs", 429, str(exc), {"Retry-After": "60"})
    if isinstance(exc, Unavailable):
        wait = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Problem(exc.code, 503, sentence(exc.code), wait)
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
    """Yield nested errors under flat names such as ``items.0.segment_num``."""
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
