"""Views of media files, with byte ranges. Headers keep browsers from running an upload."""

from __future__ import annotations

import os
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
# Media types of the uploads that browsers play; all others are served as bytes to download. Not
# from ``mimetypes``, whose answers depend on the machine.
_TYPES = {
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".wbm": "video/webm",
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
}


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
        responses=file_responses(*sorted({*_TYPES.values(), BYTES})),
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        media = get_object_or_404(MediaVersion.objects.exclude(file=""), pk=pk)
        kind = _TYPES.get(Path(media.file.name or "").suffix, BYTES)
        try:
            file = streamed(media.file)
        except FileNotFoundError as error:
            raise Http404 from error
        return file_response(request, file, media.size, kind)


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
        if not _DERIVED.fullmatch(name):
            raise Http404
        try:
            file = (working_copies.folder(pk) / name).open("rb")
        except FileNotFoundError as error:
            raise Http404 from error
        kind = "audio/wav" if name.endswith(".wav") else "image/jpeg"
        return file_response(request, file, os.fstat(file.fileno()).st_size, kind)


urlpatterns = [
    route("media/<int:pk>", OriginalView.as_view(), name="media"),
    route("media/<int:pk>/<str:name>", WorkingCopyView.as_view(), name="working-copy"),
]
