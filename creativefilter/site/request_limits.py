"""No request body is read further than this server is willing to.

A body that says that it is too large is refused before it is read. One that says nothing of its
length (``Transfer-Encoding: chunked``) is counted while it is read, and what had been written to
disk by then is removed. Django alone would take such a body for an empty one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from creativefilter.site.error_pages import length_needed, refuse_large
from creativefilter.site.problem_details import is_api

# Around a file there are the other fields of its form.
REST_OF_A_FORM = 1024**2


def limit_of(request: HttpRequest) -> int:
    """How many bytes the body may have."""
    is_form = request.content_type == "multipart/form-data"
    # Whether somebody is logged in is asked of the database, so only where it matters.
    is_known = is_form and not is_api(request) and request.user.is_authenticated
    return largest_body(is_api=is_api(request), is_form=is_form, is_known=is_known)


def largest_body(*, is_api: bool, is_form: bool, is_known: bool) -> int:
    """How many bytes a body may have. Only forms hold files, and those of pages many.

    ``is_known``: somebody has logged in, or, for the web server, says so.
    """
    if not is_form:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or REST_OF_A_FORM
    if is_api:
        return settings.UPLOAD_MAX_BYTES + REST_OF_A_FORM
    return settings.REQUEST_MAX_BYTES if is_known else REST_OF_A_FORM


class Counted:
    """The body of a request; raises ``RequestDataTooBig`` when more is read than allowed."""

    def __init__(self, body: Any, limit: int) -> None:
        self.body = body
        self.left = limit
        self.exceeded = False

    def read(self, size: int | None = -1) -> bytes:
        return self._taken(self.body.read(self._bounded(size)))

    def readline(self, size: int | None = -1) -> bytes:
        return self._taken(self.body.readline(self._bounded(size)))

    def _bounded(self, size: int | None) -> int:
        # One byte more than is left: enough to know.
        most = self.left + 1
        return most if size is None or size < 0 else min(size, most)

    def _taken(self, content: bytes) -> bytes:
        self.left -= len(content)
        if self.left < 0:
            self.exceeded = True
            raise RequestDataTooBig("longer than allowed")
        return content


class LimitBody:
    """Middleware, after the one that knows the user and before anything that reads the body."""

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
            return length_needed(request)  # the server does not tell where it ends
        body = Counted(request.META["wsgi.input"], limit)
        # What parses it wants to know of a length; it stops where the body does.
        request.META["CONTENT_LENGTH"] = str(limit + 1)
        request._stream = body  # type: ignore[assignment]  # all that is read of it
        response = self.get_response(request)
        if body.exceeded:
            for handler in request.upload_handlers:
                handler.upload_interrupted()
        return response
