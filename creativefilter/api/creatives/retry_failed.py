"""All creatives that failed, once more."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core.examples import answered, asked
from creativefilter.api.core.filters import MOST_VALUES, Text
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.creatives.filters import CreativeFilterSerializer, creatives_of
from creativefilter.creatives.analysis import retry
from creativefilter.creatives.models import Creative


class RetryFailedSerializer(serializers.Serializer[Any]):
    """Which of those that failed; all of them where nothing is said."""

    error_codes = serializers.ListField(
        child=Text(max_length=64),
        required=False,
        min_length=1,
        max_length=MOST_VALUES,
        help_text="Reasons that count, as `error.code` of a creative names them.",
    )
    filter = CreativeFilterSerializer(
        required=False, help_text="All creatives that the list shows under these filters."
    )


class RetriedSerializer(serializers.Serializer[Any]):
    """How many start again."""

    queued = serializers.IntegerField(help_text="Creatives that are analysed again.")


class RetryFailedView(Idempotent, generics.GenericAPIView[Any]):
    """Everything that failed starts again, in the background."""

    permission_classes = [RolePermissions]
    required = {"POST": "creatives.change_creative"}
    queryset = Creative.objects.all()
    serializer_class = RetryFailedSerializer
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="creatives_retry_failed",
        summary="Analyse all creatives again that failed",
        description="In the background, as one decision: they do not count as your open jobs. "
        "Creatives that failed meanwhile, or that a job is at, are left as they are.",
        request=RetryFailedSerializer,
        responses={202: OpenApiResponse(RetriedSerializer, "They are queued.")},
        examples=[
            asked("What storage trouble has left", {"error_codes": ["storage_away", "timed_out"]}),
            answered("How many", {"queued": 210}, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        form = RetryFailedSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        meant = form.validated_data
        creatives = creatives_of(meant["filter"]) if "filter" in meant else None
        codes = meant.get("error_codes", ())
        jobs = retry.retry(request.user, creatives, codes)  # type: ignore[arg-type]
        return Response({"queued": len(jobs)}, status.HTTP_202_ACCEPTED)


urlpatterns = [
    path("creatives/retry_failed", RetryFailedView.as_view(), name="creatives-retry-failed"),
]
