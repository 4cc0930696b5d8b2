"""Validate the request, call a service or submit a job, shape the answer. No rules."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from creativefilter.api.idempotency import Idempotent
from creativefilter.api.serializers import (
    JobSerializer,
    ReferenceResultSerializer,
    SegmentSerializer,
    UploadSerializer,
    WaitSerializer,
)
from creativefilter.api.waiting import wait_for
from creativefilter.creatives import intake
from creativefilter.creatives.messages import sentence
from creativefilter.creatives.models import Segment
from creativefilter.jobs.messages import MESSAGES
from creativefilter.jobs.models import Job
from tasks.submit import submit


def healthz(_request: HttpRequest) -> HttpResponse:
    """For load balancers: the process answers."""
    return JsonResponse({"status": "ok"})


def receive_upload(request: Request) -> Job:
    """The job of an upload, queued; raises ``ValidationError`` in the sender's language."""
    form = UploadSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    upload = form.validated_data["file"]
    try:
        received = intake.receive(
            upload,
            upload.name,
            owner=request.user if request.user.is_authenticated else None,
            advertisement_id=form.validated_data.get("advertisement_id"),
        )
    except intake.IntakeError as error:
        raise ValidationError({"file": [str(error)]}) from error
    if not received.job.is_final:
        submit(received.job)
    return received.job


class PredictView(Idempotent, APIView):
    """Classify one creative."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="predict",
        summary="Classify a creative",
        parameters=[WaitSerializer],
        request={"multipart/form-data": UploadSerializer},
        responses={
            200: OpenApiResponse(JobSerializer, "The job ended within the wait."),
            202: OpenApiResponse(JobSerializer, "The job is queued; poll its `Location`."),
        },
    )
    def post(self, request: Request) -> Response:
        query = WaitSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        job = receive_upload(request)
        wait_for(job, query.validated_data["wait"])
        answer = JobSerializer(job, context={"request": request}).data
        code = status.HTTP_200_OK if job.is_final else status.HTTP_202_ACCEPTED
        return Response(answer, status=code, headers={"Location": answer["url"]})


class JobView(generics.RetrieveAPIView[Job]):
    """One of your jobs."""

    serializer_class = JobSerializer

    def get_permissions(self) -> list[BasePermission]:
        # Who may submit without a login may ask after it: the job's number is the key.
        return [AllowAny() if settings.PREDICT_ANONYMOUS else IsAuthenticated()]

    def get_queryset(self) -> QuerySet[Job]:
        if self.request.user.is_authenticated:
            return Job.objects.filter(owner=self.request.user.pk)
        return Job.objects.filter(owner=None)

    @extend_schema(operation_id="job", summary="Ask how a job stands")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class SegmentsView(generics.ListAPIView[Segment]):
    """The 18 segments, each with its criteria."""

    serializer_class = SegmentSerializer
    queryset = Segment.objects.all()

    @extend_schema(operation_id="segments", summary="The segments and their criteria")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ReferencePredictView(Idempotent, APIView):
    """The contract of the reference service: a file in, ``{"result": "<segment name>"}`` out."""

    parser_classes = [MultiPartParser]

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if settings.PREDICT_ANONYMOUS else IsAuthenticated()]

    @extend_schema(
        operation_id="reference_predict",
        summary="Classify a creative, in the reference service's words",
        request={"multipart/form-data": UploadSerializer},
        responses={
            200: ReferenceResultSerializer,
            202: OpenApiResponse(ReferenceResultSerializer, "Too many wait already; ask `job`."),
            422: OpenApiResponse(ReferenceResultSerializer, "The file can't be read; why."),
            500: OpenApiResponse(ReferenceResultSerializer, "The fault is ours, not the file's."),
            504: OpenApiResponse(ReferenceResultSerializer, "Not done in time; ask `job`."),
        },
    )
    def post(self, request: Request) -> Response:
        job = receive_upload(request)
        waited = wait_for(job, settings.PREDICT_WAIT_SECONDS)
        if job.state == Job.State.DONE:
            return Response(reference_answer(job.result or {}))
        answer: dict[str, Any] = {"result": None, "reason": job.error_code or "not_ready"}
        if job.is_final:
            answer["message"] = sentence(job.error_code)
            ours = job.error_code in MESSAGES
            return Response(
                answer,
                status.HTTP_500_INTERNAL_SERVER_ERROR
                if ours
                else status.HTTP_422_UNPROCESSABLE_ENTITY,
            )
        answer["job"] = reverse("api:job", args=[job.pk], request=request)
        late = status.HTTP_504_GATEWAY_TIMEOUT if waited else status.HTTP_202_ACCEPTED
        return Response(answer, late, headers={"Location": answer["job"]})


def reference_answer(result: dict[str, Any]) -> dict[str, Any]:
    """A job's result in the reference service's words."""
    if result.get("segment") is not None:
        return {"result": result["segment"]}
    reason = result.get("reason") or ""
    return {"result": None, "reason": reason, "message": sentence(reason)}
