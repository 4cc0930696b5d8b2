"""Files as answers: whole, or by the byte range that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

CHUNK = 64 * 1024
BYTES = "application/octet-stream"
# Longer numbers are no place in any file, and too long ones Python refuses to read.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
RANGE = OpenApiParameter(
    "Range", OpenApiTypes.STR, OpenApiParameter.HEADER, description="As `bytes=0-1023`."
)


def answers(*types: str) -> dict[Any, Any]:
    """What an operation answers that gives out a file of one of these types, or a part of it."""
    found: dict[Any, Any] = {
        (code, kind): OpenApiTypes.BINARY for code in (200, 206) for kind in types
    }
    beyond = OpenApiResponse(OpenApiTypes.STR, "It has no such bytes.")
    return {**found, (416, "text/html"): beyond}


class AlwaysJson(DefaultContentNegotiation):
    """Errors are JSON even to those who ask for something else, such as a film or a table."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


def ranged(
    request: HttpRequest | Request, file: BinaryIO, size: int, kind: str
) -> HttpResponseBase:
    """The whole file, or the one byte range that was asked for (RFC 9110, section 14)."""
    span = _span(request.headers.get("Range", ""), size)
    response: HttpResponseBase
    if span is None:
        response = FileResponse(file, content_type=kind)
    elif span[0] >= size:
        file.close()
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        start, end = span
        response = StreamingHttpResponse(
            _read(file, start, end - start + 1), status=206, content_type=kind
        )
        response["Content-Range"] = f"bytes {start}-{end}/{size}"
        response["Content-Length"] = str(end - start + 1)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, max-age=3600"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; media-src 'self'"
    return response


def _span(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for; None for the whole, also where the header makes no sense."""
    match = _RANGE.fullmatch(header.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    end = min(int(last), size - 1) if last else size - 1
    return (int(first), end) if int(first) <= end or int(first) >= size else None


def _read(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk
