"""Limit of the size of request bodies.

A body whose Content-Length is too large is refused before it is read. A body without a length
(``Transfer-Encoding: chunked``) is counted while it is read; if it is too large, the temporary
files that were written by then are removed. Django alone would treat a body without a length as
empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from creativefilter.site.error_pages import length_needed, refuse_large
from creativefilter.site.problem_details import is_api

# Bytes that a form may have beside its files.
REST_OF_A_FORM = 1024**2


def limit_of(request: HttpRequest) -> int:
    """Return how many bytes the body of a request may have."""
    is_form = request.content_type == "multipart/form-data"
    # ``request.user`` queries the database, so it is evaluated only where it matters.
    is_known = is_form and not is_api(request) and request.user.is_authenticated
    return largest_body(is_api=is_api(request), is_form=is_form, is_known=is_known)


def largest_body(*, is_api: bool, is_form: bool, is_known: bool) -> int:
    """Return how many bytes a body may have.

    Args:
        is_api: Whether the address is one for programs: a form with one file.
        is_form: Whether it is a multipart form. Only these contain files.
        is_known: Whether the user is logged in. The web server, which can't know, passes True if
            the request has a session cookie.
    """
    if not is_form:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or REST_OF_A_FORM
    if is_api:
        return settings.UPLOAD_MAX_BYTES + REST_OF_A_FORM
    return settings.REQUEST_MAX_BYTES if is_known else REST_OF_A_FORM


class Counted:
    """A request body that counts the bytes read.

    Args:
        body: The WSGI input stream.
        limit: Bytes after which ``read`` and ``readline`` raise ``RequestDataTooBig``.
    """

    def __init__(self, body: Any, limit: int) -> None:
        self.body = body
        self.left = limit
        self.exceeded = False

    def read(self, size: int | None = -1) -> bytes:
        return self._count(self.body.read(self._bounded(size)))

    def readline(self, size: int | None = -1) -> bytes:
        return self._count(self.body.readline(self._bounded(size)))

    def _bounded(self, size: int | None) -> int:
        # One byte more than allowed is enough to detect that the body is too large.
        most = self.left + 1
        return most if size is None or size < 0 else min(size, most)

    def _count(self, content: bytes) -> bytes:
        self.left -= len(content)
        if self.left < 0:
            self.exceeded = True
            raise RequestDataTooBig("longer than allowed")
        return content


class LimitBody:
    """Refuse request bodies that are too large.

    Must come after ``AuthenticationMiddleware`` and before middleware that reads the body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = limit_of(request)
        declared = request.META.get("CONTENT_LENGTH") or "0"
        if not declared.isdigit():
            return length_needed(request)
        if int(declared) > limit:
            return refuse_large(request)
        if "chunked" not in request.headers.get("Transfer-Encoding", "").lower():
            return self.get_response(request)
        return self._counting(request, limit)

    def _counting(self, request: HttpRequest, limit: int) -> HttpResponse:
        if not request.META.get("wsgi.input_terminated"):
            return length_needed(request)  # the stream would block at the end of the body
        body = Counted(request.META["wsgi.input"], limit)
        # Django's parsers need a length; they stop earlier, at the end of the stream.
        request.META["CONTENT_LENGTH"] = str(limit + 1)
        request._stream = body  # type: ignore[assignment]
        response = self.get_response(request)
        if body.exceeded:
            for handler in request.upload_handlers:
                handler.upload_interrupted()
        return response
