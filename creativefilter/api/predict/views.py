"""Views that classify an uploaded creative: our own, and that of the reference service."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from creativefilter.api.core.generics import APIView
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.permissions import MaySubmit, RolePermissions
from creativefilter.api.core.waiting import WaitSerializer, wait_for
from creativefilter.api.jobs.serializers import JobSerializer
from creativefilter.api.predict.serializers import ReferenceResultSerializer, UploadSerializer
from creativefilter.creatives.intake import receiving
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence, status_of


def receive_upload(request: Request) -> Job:
    """Store the upload and queue its job.

    Returns:
        The job that analyses the file: new, still open from an earlier upload of the file, or
        done if the active model version has a prediction for it.

    Raises:
        ValidationError: The form is invalid.
        CodedError: The file is refused.
        QuotaExceeded: The user has too many open jobs.
    """
    form = UploadSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    upload = form.validated_data["file"]
    received = receiving.receive(
        upload,
        upload.name,
        owner=request.user if request.user.is_authenticated else None,
        advertisement_id=form.validated_data.get("advertisement_id"),
    )
    return received.job


class PredictView(Idempotent, APIView):
    """Classify one creative."""

    permission_classes = [RolePermissions]
    required = {"POST": "creatives.add_creative"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="predict",
        summary="Classify a creative",
        parameters=[WaitSerializer],
        request={"multipart/form-data": UploadSerializer},
        responses={
            200: OpenApiResponse(JobSerializer, "The job ended within the wait."),
            202: OpenApiResponse(JobSerializer, "The job is queued; poll its `Location`."),
            429: OpenApiResponse(description="Too many jobs of yours have not ended."),
        },
    )
    def post(self, request: Request) -> Response:
        query = WaitSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        job = receive_upload(request)
        self.store(self._answer(job))
        wait_for(job, query.validated_data["wait"])
        return self._answer(job)

    def _answer(self, job: Job) -> Response:
        answer = JobSerializer(job, context={"request": self.request}).data
        code = status.HTTP_200_OK if job.is_final else status.HTTP_202_ACCEPTED
        return Response(answer, status=code, headers={"Location": answer["url"]})


class ReferencePredictView(Idempotent, APIView):
    """Classify a creative as the reference service does: answer `{"result": "<segment name>"}`."""

    parser_classes = [MultiPartParser]

    permission_classes = [MaySubmit]

    @extend_schema(
        operation_id="reference_predict",
        summary="Classify a creative, in the reference service's words",
        request={"multipart/form-data": UploadSerializer},
        responses={
            200: ReferenceResultSerializer,
            202: OpenApiResponse(
                ReferenceResultSerializer, "Too many requests are waiting already; poll `job`."
            ),
            429: OpenApiResponse(description="Too many jobs of yours have not ended."),
            422: OpenApiResponse(
                ReferenceResultSerializer, "The file can't be read; `reason` and `message` say why."
            ),
            500: OpenApiResponse(
                ReferenceResultSerializer, "Internal error; the file is not the cause."
            ),
            504: OpenApiResponse(ReferenceResultSerializer, "Not done in time; poll `job`."),
        },
    )
    def post(self, request: Request) -> Response:
        job = receive_upload(request)
        self.store(self._answer(job, late=status.HTTP_202_ACCEPTED))
        waited = wait_for(job, settings.PREDICT_WAIT_SECONDS)
        late = status.HTTP_504_GATEWAY_TIMEOUT if waited else status.HTTP_202_ACCEPTED
        return self._answer(job, late)

    def _answer(self, job: Job, late: int) -> Response:
        """Return the response for the job; ``late`` is the HTTP status while the job is open."""
        if job.state == Job.State.DONE:
            return Response(reference_answer(job.result or {}))
        code = "cancelled" if job.state == Job.State.CANCELLED else job.error_code
        answer: dict[str, Any] = {"result": None, "reason": code or "not_ready"}
        if job.is_final:
            answer["message"] = sentence(code)
            return Response(answer, 500 if status_of(code) >= 500 else 422)
        answer["job"] = reverse("api:job", args=[job.pk], request=self.request)
        return Response(answer, late, headers={"Location": answer["job"]})


def reference_answer(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of an analysis in the format of the reference service.

    Args:
        result: ``Job.result`` of a job of the kind ``analyse``.
    """
    if result.get("segment") is not None:
        return {"result": result["segment"]}
    reason = result.get("reason") or ""
    return {"result": None, "reason": reason, "message": sentence(reason)}


urlpatterns = [path("predict", PredictView.as_view(), name="predict")]
