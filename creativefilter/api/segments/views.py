"""Views of the dictionary of segments."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.core.segments import counted
from creativefilter.api.segments.serializers import SegmentSerializer
from creativefilter.creatives.models import Segment


class Segments(generics.GenericAPIView[Segment]):
    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_segment"}
    serializer_class = SegmentSerializer
    queryset = Segment.objects.unmerged().select_related("group").prefetch_related("merged")


class SegmentsView(Segments, generics.ListAPIView[Segment]):
    """All segments, also retired ones. Merged ones are named by the segment that counts."""

    @extend_schema(operation_id="segments", summary="The segments and their criteria")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class SegmentView(Etagged, Segments, generics.RetrieveAPIView[Segment]):
    """One segment; for the number of a merged one, the segment that counts."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        with suppress(ValidationError):
            self.kwargs["pk"] = counted(self.kwargs["pk"]).number

    @extend_schema(operation_id="segment", summary="One segment")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


urlpatterns = [
    path("segments", SegmentsView.as_view(), name="segments"),
    path("segments/<int:pk>", SegmentView.as_view(), name="segment"),
]
