"""Views of a user's jobs: list, poll, cancel, retry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.filters import AddressFilters, Ordering
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.permissions import MayReadJobs, RolePermissions, owned
from creativefilter.api.core.problems import Conflict
from creativefilter.api.jobs.filters import JobFilterSerializer
from creativefilter.api.jobs.serializers import JobSerializer
from creativefilter.jobs import lifecycle, timings
from creativefilter.jobs.models import Job


class Jobs(generics.GenericAPIView[Job]):
    """Base of the views of jobs."""

    serializer_class = JobSerializer
    queryset = Job.objects.all()

    def get_queryset(self) -> QuerySet[Job]:
        return owned(super().get_queryset(), self.request)


class JobsView(Jobs, generics.ListAPIView[Job]):
    """Your jobs."""

    permission_classes = [RolePermissions]
    required = {"GET": None}
    pagination_class = CursorPages
    filter_backends = [AddressFilters, Ordering]
    filters = JobFilterSerializer
    ordering = ["-created_at"]
    ordering_fields = ["created_at", "finished_at", "kind", "state"]

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        serializer: Any = super().get_serializer(*args, **kwargs)
        if args and isinstance(args[0], list):
            serializer.context["places"] = timings.places(args[0])
        return serializer

    @extend_schema(operation_id="jobs", summary="Your jobs, the newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class JobView(Etagged, Jobs, generics.RetrieveAPIView[Job]):
    """One of your jobs."""

    # A client that may submit without a login may poll its job: only that client knows the ID.
    permission_classes = [MayReadJobs]

    _places: dict[UUID, int] | None = None

    def get_object(self) -> Job:
        job: Job = super().get_object()
        # Computed once, because both the ETag and the response need the places.
        self._places = timings.places([job])
        return job

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "places": self._places}

    def etag_state(self, resource: Job) -> Any:
        job = resource
        moments = [job.stage_started_at, job.finished_at]
        place = (self._places or {}).get(job.pk)
        return [job.state, job.stage, job.progress, job.attempts, place, *map(str, moments)]

    @extend_schema(operation_id="job", summary="Retrieve a job")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


class JobActionView(Idempotent, Jobs):
    """Base of the views that change a job."""

    permission_classes = [RolePermissions]
    required = {"POST": "jobs.change_job"}


class JobCancelView(JobActionView):
    """Cancel a job. What it has saved stays."""

    @extend_schema(
        operation_id="job_cancel",
        summary="Cancel a job that has not ended",
        request=None,
        responses={200: JobSerializer},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        job = self.get_object()
        if not lifecycle.cancel(job):
            raise Conflict(_("The job has already ended."), "job_ended")
        job.refresh_from_db()
        return Response(self.get_serializer(job).data)


class JobRetryView(JobActionView):
    """Start a job again from its first stage."""

    @extend_schema(
        operation_id="job_retry",
        summary="Retry a job that failed or was cancelled",
        request=None,
        parameters=[
            OpenApiParameter("Location", str, "header", response=[202], description="The job.")
        ],
        responses={
            202: OpenApiResponse(JobSerializer, "It is queued again."),
            429: OpenApiResponse(description="Too many jobs have not ended."),
        },
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        job = lifecycle.retry(self.get_object())
        if job is None:
            raise Conflict(
                _("Only a job that failed or was cancelled can be started again."),
                "job_not_retriable",
            )
        answer = self.get_serializer(job).data
        return Response(answer, status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]})


urlpatterns = [
    path("jobs", JobsView.as_view(), name="jobs"),
    path("jobs/<uuid:pk>", JobView.as_view(), name="job"),
    path("jobs/<uuid:pk>/cancel", JobCancelView.as_view(), name="job-cancel"),
    path("jobs/<uuid:pk>/retry", JobRetryView.as_view(), name="job-retry"),
]
