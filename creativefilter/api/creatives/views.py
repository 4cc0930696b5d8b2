"""Views of creatives: upload, list, change, delete, analyse again."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.filters import AddressFilters, Ordering
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.parsers import JSONParser
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.core.problems import Conflict, Problem
from creativefilter.api.core.sparse_fields import fields_of
from creativefilter.api.creatives.filters import CreativeFilterSerializer, creatives_of
from creativefilter.api.creatives.rows import (
    LONG,
    attach_details,
    creative_rows,
    requested_long_fields,
)
from creativefilter.api.creatives.serializers import (
    CreativeChangeSerializer,
    CreativeSerializer,
    CreativeUploadSerializer,
    RetriedSerializer,
    RetryFailedSerializer,
    UploadsSerializer,
)
from creativefilter.api.jobs.serializers import JobSerializer
from creativefilter.creatives.analysis import retry
from creativefilter.creatives.analysis.jobs import analyse_again
from creativefilter.creatives.intake import receiving
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment
from creativefilter.creatives.stored_ids import TakenError, set_advertisement_id
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site.codes import CodedError, sentence, status_of
from creativefilter.site.unavailable import Unavailable


class Creatives(generics.GenericAPIView[Any]):
    """Base of the views of creatives, whose rows have all data that responses need."""

    permission_classes = [RolePermissions]
    serializer_class = CreativeSerializer
    queryset = Creative.objects.all()
    required = {"GET": "creatives.view_creative"}

    @property
    def long(self) -> frozenset[str]:
        """The long fields to fetch."""
        # The ETag of a single creative is computed from all fields, whatever ``?fields=`` names.
        return LONG

    def get_queryset(self) -> QuerySet[Any]:
        return creative_rows(self.long)

    def get_object(self) -> Any:
        creative = super().get_object()
        attach_details([creative], self.long)
        return creative


class CreativesView(Idempotent, Creatives, generics.KnownParameters[Any]):
    """List creatives, or upload new ones."""

    required = {"GET": "creatives.view_creative", "POST": "creatives.add_creative"}
    parser_classes = [MultiPartParser]
    pagination_class = CursorPages
    filter_backends = [AddressFilters, Ordering]
    filters = CreativeFilterSerializer
    ordering = ["-id"]
    ordering_fields = ["id", "created_at", "name", "probability"]

    @property
    def long(self) -> frozenset[str]:
        return requested_long_fields(self.request)

    @extend_schema(
        operation_id="creatives",
        summary="Creatives, filtered, ordered and searched",
        description="Long fields are included only if `fields` names them.",
        parameters=[fields_of(CreativeSerializer)],
        responses={200: CreativeSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        attach_details(page, self.long)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="creatives_upload",
        summary="Upload creatives",
        description="One or more files, each in a part `file`. Together they may be as large as "
        "one file may be. The response lists each file as accepted, or refused with a reason. If "
        "none is accepted, the response is an error.",
        filters=False,
        request={"multipart/form-data": CreativeUploadSerializer},
        responses={
            202: OpenApiResponse(
                UploadsSerializer,
                "The jobs are queued. For a single file, `Location` is the URL of its creative.",
            )
        },
    )
    def post(self, request: Request) -> Response:
        """Store the files and queue their jobs.

        Raises:
            ValidationError: The request is invalid, or no file was accepted.
            Problem: No file was accepted, all for the same reason.
        """
        form = CreativeUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        files, known_id = form.validated_data["file"], form.validated_data.get("advertisement_id")
        if known_id and len(files) > 1:
            raise ValidationError(
                {"advertisement_id": [_("One Advertisement ID can be given to one file only.")]}
            )
        results = [_receive_file(request, file, known_id) for file in files]
        accepted = [result for result in results if result["accepted"]]
        if not accepted:
            _refuse(results)
        answer = {
            "accepted": len(accepted),
            "refused": len(results) - len(accepted),
            "results": results,
        }
        headers = {"Location": results[0]["url"]} if len(results) == 1 else {}
        return Response(answer, status.HTTP_202_ACCEPTED, headers=headers)


def _receive_file(request: Request, file: Any, advertisement_id: str | None) -> dict[str, Any]:
    """Store a file and return the outcome for it; a refused file does not stop the others."""
    result: dict[str, Any] = {
        "name": display_name(file.name or ""), "accepted": False, "known": False,
        "creative": None, "url": None, "job": None, "job_url": None, "problem": None,
    }  # fmt: skip
    assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
    try:
        received = receiving.receive(
            file, file.name or "", owner=request.user, advertisement_id=advertisement_id
        )
    except CodedError as error:
        return {**result, "problem": {"code": error.code, "message": str(error)}}
    except QuotaExceeded as error:
        return {**result, "problem": {"code": "too_many_open_jobs", "message": str(error)}}
    except Unavailable as error:
        return {**result, "problem": {"code": error.code, "message": sentence(error.code)}}
    return {
        **result,
        "accepted": True,
        "known": received.known,
        "creative": received.creative.pk,
        "url": reverse("api:creative", args=[received.creative.pk], request=request),
        "job": str(received.job.pk),
        "job_url": reverse("api:job", args=[received.job.pk], request=request),
    }


def _refuse(results: list[dict[str, Any]]) -> None:
    """Raise the error of an upload of which no file was accepted.

    Raises:
        Problem: All files are refused for the same reason, whose code and status it has.
        ValidationError: The reasons differ; the error lists the reason of each file.
    """
    problems = [result["problem"] for result in results]
    codes = {problem["code"] for problem in problems}
    if len(codes) == 1:
        [code] = codes
        status = status_of(code)
        headers = {"Retry-After": "60"} if status in (429, 503) else {}
        raise Problem(code, status, problems[0]["message"], headers)
    raise ValidationError(
        {
            "file": [
                ErrorDetail(f"{result['name']}: {result['problem']['message']}", problem["code"])
                for result, problem in zip(results, problems, strict=True)
            ]
        }
    )


class CreativeView(Etagged, Creatives):
    """One creative."""

    required = {
        "GET": "creatives.view_creative",
        "PATCH": "creatives.change_creative",
        "DELETE": "creatives.delete_creative",
    }
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="creative",
        summary="One creative with all that is known of it",
        parameters=[fields_of(CreativeSerializer)],
        responses={200: CreativeSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="creative_change",
        summary="Set its Advertisement ID or its segment",
        description="A label is added to the earlier ones; if its `segment_num` is null, it "
        "withdraws the previous label, and the prediction counts again. Fields that are left out "
        "do not change.",
        request=CreativeChangeSerializer,
        responses={200: CreativeSerializer, 409: None},
    )
    def patch(self, request: Request, pk: int) -> Response:
        form = CreativeChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        label = form.validated_data.get("label")
        if label and not request.user.has_perm("creatives.add_label"):
            raise PermissionDenied
        creative = self.get_object()
        if "advertisement_id" in form.validated_data:
            _set_id(creative, form.validated_data["advertisement_id"])
        if label:
            number = label["segment_num"]
            segment = None if number is None else Segment.objects.get(pk=number)
            set_label(creative, segment, request.user, label["note"])  # type: ignore[arg-type]
        # The ETag of the response is that of the changed creative.
        self._tagged = super(Etagged, self).get_object()
        return Response(self.get_serializer(self._tagged).data)

    @extend_schema(
        operation_id="creative_delete",
        summary="Delete a creative",
        description="Also deletes its files, predictions and labels. Its spend stays.",
        responses={204: None},
    )
    def delete(self, request: Request, pk: int) -> Response:
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


def _set_id(creative: Creative, advertisement_id: str | None) -> None:
    try:
        set_advertisement_id(creative, advertisement_id)
    except TakenError as error:
        raise Conflict(
            _("Another creative has this Advertisement ID."), "advertisement_id_taken"
        ) from error


class CreativeAnalyseView(Idempotent, Creatives):
    """Analyse a creative again with all stages. An imported transcript is only classified again."""

    required = {"POST": "creatives.change_creative"}

    @extend_schema(
        operation_id="creative_analyse",
        summary="Analyse a creative again",
        request=None,
        responses={
            202: OpenApiResponse(JobSerializer, "The job is queued; poll its `Location`."),
            409: None,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        creative = get_object_or_404(Creative, pk=pk)
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        job = analyse_again(creative, request.user)
        answer = JobSerializer(job, context=self.get_serializer_context()).data
        return Response(answer, status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]})


class RetryFailedView(Idempotent, generics.GenericAPIView[Any]):
    """Analyse failed creatives again, in the background."""

    permission_classes = [RolePermissions]
    required = {"POST": "creatives.change_creative"}
    queryset = Creative.objects.all()
    serializer_class = RetryFailedSerializer
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="creatives_retry_failed",
        summary="Retry all creatives that failed",
        description="Runs in the background. The jobs do not count towards your open jobs. "
        "Creatives that failed meanwhile, or that have an open job, are left unchanged.",
        request=RetryFailedSerializer,
        responses={
            200: OpenApiResponse(RetriedSerializer, "A dry run: nothing was queued."),
            202: OpenApiResponse(RetriedSerializer, "They are queued."),
            409: None,
        },
    )
    def post(self, request: Request) -> Response:
        form = RetryFailedSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        creatives = creatives_of(asked["filter"]) if "filter" in asked else None
        codes = asked.get("error_codes", ())
        if asked["dry_run"]:
            return Response({"queued": retry.failed(creatives, codes).count()})
        try:
            jobs = retry.retry(request.user, creatives, codes, asked.get("expected"))  # type: ignore[arg-type]
        except retry.ChangedError as error:
            raise Conflict(
                _("The selection of creatives has changed. Nothing was queued: check it again."),
                "creatives_changed",
            ) from error
        return Response({"queued": len(jobs)}, status.HTTP_202_ACCEPTED)


urlpatterns = [
    path("creatives", CreativesView.as_view(), name="creatives"),
    path("creatives/<int:pk>", CreativeView.as_view(), name="creative"),
    path("creatives/<int:pk>/analyse", CreativeAnalyseView.as_view(), name="creative-analyse"),
    path("creatives/retry_failed", RetryFailedView.as_view(), name="creatives-retry-failed"),
]
