"""File responses: the whole file, or the requested byte range."""

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
# No file needs more than 18 digits, and Python refuses to convert very long numbers.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
RANGE = OpenApiParameter(
    "Range",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="One range of bytes: `bytes=0-1023`, `bytes=1024-` or, for the end of the file, "
    "`bytes=-500`.",
)


def file_responses(*types: str) -> dict[Any, Any]:
    """Return the OpenAPI responses of an operation that serves a file with byte ranges.

    Args:
        types: Media types that the file may have.
    """
    found: dict[Any, Any] = {
        (code, kind): OpenApiTypes.BINARY for code in (200, 206) for kind in types
    }
    out_of_range = OpenApiResponse(
        OpenApiTypes.STR, "The range begins after the last byte of the file."
    )
    return {**found, (416, "text/html"): out_of_range}


class AlwaysJson(DefaultContentNegotiation):
    """Ignores the Accept header, so that a client that asks for a video gets errors as JSON."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


def file_response(
    request: HttpRequest | Request, file: BinaryIO, size: int, kind: str
) -> HttpResponseBase:
    """Return the whole file, or the single requested byte range (RFC 9110, section 14).

    Args:
        request: Its ``Range`` header is read.
        file: Open file; closed after it is sent.
        size: Size of the file in bytes.
        kind: Media type of the file.

    Returns:
        200 with the whole file (also if ``Range`` is malformed or has several ranges), 206 with a
        part of it, or 416 if the range begins after the last byte.
    """
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
    """Return the first and last requested byte; None for the whole file or a malformed header."""
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
