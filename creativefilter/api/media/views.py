"""Media for the player: after a permission check, with byte ranges, never as a page."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from creativefilter.api.core.permissions import RolePermissions
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.models import MediaVersion
from creativefilter.site.files import streamed

CHUNK = 64 * 1024
BYTES = "application/octet-stream"
# Longer numbers are no place in any file, and too long ones Python refuses to read.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_DERIVED = re.compile(r"audio\.wav|frame-\d{2}\.jpg")
# What a browser may be told of an upload; anything else is a download without a type.
_PLAYABLE = {".wav", ".mp4", ".webm", ".ogg", ".mp3", ".m4a", ".flac"}

_TYPES = sorted({mimetypes.types_map.get(one, BYTES) for one in _PLAYABLE} | {BYTES})
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


class AlwaysJson(BaseContentNegotiation):
    """Errors are JSON even to those who ask for something else, such as a film or a table."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class Files(APIView):
    """To sessions of the pages, whose player asks, and to programs with a token."""

    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_creative"}
    content_negotiation_class = AlwaysJson


class OriginalView(Files):
    """The upload itself."""

    @extend_schema(
        operation_id="media",
        summary="Fetch a file as it was uploaded",
        parameters=[RANGE],
        responses=answers(*_TYPES),
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        media = get_object_or_404(MediaVersion.objects.exclude(file=""), pk=pk)
        suffix = Path(media.file.name or "").suffix
        suffix = ".webm" if suffix == ".wbm" else suffix
        guessed = mimetypes.types_map.get(suffix) if suffix in _PLAYABLE else None
        try:
            file = streamed(media.file)
        except FileNotFoundError as error:
            raise Http404 from error
        return ranged(request, file, media.size, guessed or BYTES)


class WorkingCopyView(Files):
    """The decoded sound or a frame."""

    @extend_schema(
        operation_id="media_part",
        summary="Fetch the sound of a file, or a frame",
        description="`audio.wav`, or `frame-00.jpg` and so on, as `media` of a creative names it.",
        parameters=[RANGE],
        responses=answers("audio/wav", "image/jpeg"),
    )
    def get(self, request: Request, pk: int, name: str) -> HttpResponseBase:
        path = working_copies.folder(pk) / name
        if not _DERIVED.fullmatch(name) or not path.is_file():
            raise Http404
        kind = "audio/wav" if path.suffix == ".wav" else "image/jpeg"
        return ranged(request, path.open("rb"), path.stat().st_size, kind)


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
