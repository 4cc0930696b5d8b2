"""Views of media files, with byte ranges. Headers keep browsers from running an upload."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import path as route
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from creativefilter.api.core.downloads import (
    BYTES,
    RANGE,
    AlwaysJson,
    file_response,
    file_responses,
)
from creativefilter.api.core.generics import APIView
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.models import MediaVersion
from creativefilter.site.files import streamed

_DERIVED = re.compile(r"audio\.wav|frame-\d{2}\.jpg")
# Uploads with these suffixes are served with their media type, all others as bytes to download.
_PLAYABLE = {".wav", ".mp4", ".webm", ".ogg", ".mp3", ".m4a", ".flac"}
_TYPES = sorted({mimetypes.types_map.get(one, BYTES) for one in _PLAYABLE} | {BYTES})


class Files(APIView):
    """Base of the views of files, for the players on pages and for programs."""

    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_creative"}
    content_negotiation_class = AlwaysJson


class OriginalView(Files):
    """The uploaded file."""

    @extend_schema(
        operation_id="media",
        summary="Fetch a file as it was uploaded",
        parameters=[RANGE],
        responses=file_responses(*_TYPES),
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
        return file_response(request, file, media.size, guessed or BYTES)


class WorkingCopyView(Files):
    """The decoded sound or a frame."""

    @extend_schema(
        operation_id="media_part",
        summary="Fetch the sound of a file, or a frame",
        description="`audio.wav`, or `frame-00.jpg` and so on, as `media` of a creative names it.",
        parameters=[RANGE],
        responses=file_responses("audio/wav", "image/jpeg"),
    )
    def get(self, request: Request, pk: int, name: str) -> HttpResponseBase:
        path = working_copies.folder(pk) / name
        if not _DERIVED.fullmatch(name) or not path.is_file():
            raise Http404
        kind = "audio/wav" if path.suffix == ".wav" else "image/jpeg"
        return file_response(request, path.open("rb"), path.stat().st_size, kind)


urlpatterns = [
    route("media/<int:pk>", OriginalView.as_view(), name="media"),
    route("media/<int:pk>/<str:name>", WorkingCopyView.as_view(), name="working-copy"),
]
