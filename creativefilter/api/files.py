"""Media for the player: after a permission check, with byte ranges, never as a page."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from creativefilter.creatives import derived
from creativefilter.creatives.models import MediaVersion

CHUNK = 64 * 1024
# Longer numbers are no place in any file, and too long ones Python refuses to read.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_DERIVED = re.compile(r"audio\.wav|frame-\d{2}\.jpg")
# What a browser may be told of an upload; anything else is a download without a type.
_PLAYABLE = {".wav", ".mp4", ".webm", ".ogg", ".mp3", ".m4a", ".flac"}

view_creatives = permission_required("creatives.view_creative", raise_exception=True)


@require_safe
@view_creatives
def original(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The upload itself."""
    media = get_object_or_404(MediaVersion.objects.exclude(file=""), pk=pk)
    suffix = Path(media.file.name or "").suffix
    suffix = ".webm" if suffix == ".wbm" else suffix
    guessed = mimetypes.types_map.get(suffix) if suffix in _PLAYABLE else None
    try:
        file = cast(BinaryIO, media.file.open("rb"))
    except FileNotFoundError as error:
        raise Http404 from error
    return ranged(request, file, media.file.size, guessed or "application/octet-stream")


@require_safe
@view_creatives
def working_copy(request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
    """The decoded sound or a frame."""
    path = derived.folder(pk) / name
    if not _DERIVED.fullmatch(name) or not path.is_file():
        raise Http404
    kind = "audio/wav" if path.suffix == ".wav" else "image/jpeg"
    return ranged(request, path.open("rb"), path.stat().st_size, kind)


def ranged(request: HttpRequest, file: BinaryIO, size: int, kind: str) -> HttpResponseBase:
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
