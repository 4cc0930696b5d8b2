"""Views of exports: create, poll, download. Users see only their own exports."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.downloads import RANGE, AlwaysJson, file_response, file_responses
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.parsers import JSONParser
from creativefilter.api.core.permissions import RolePermissions, owned
from creativefilter.api.core.problems import Conflict, Problem
from creativefilter.api.exports.serializers import FORMATS, ExportCreateSerializer, ExportSerializer
from creativefilter.api.spend_reports.filters import filters_of
from creativefilter.jobs.models import Job
from creativefilter.sheets.write import Form
from creativefilter.spend.reports import export_jobs


class Exports(generics.GenericAPIView[Job]):
    """Base of the views of exports."""

    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_creative", "POST": "creatives.view_creative"}
    serializer_class: Any = ExportSerializer
    queryset = Job.objects.filter(kind=export_jobs.SPEND_EXPORT.name)

    def get_queryset(self) -> QuerySet[Job]:
        return owned(super().get_queryset(), self.request)


class ExportsView(Idempotent, Exports, generics.ListAPIView[Job]):
    """List your exports, or create one."""

    parser_classes = [JSONParser]
    pagination_class = CursorPages
    ordering = ["-created_at"]

    @extend_schema(
        operation_id="exports", summary="Your exports, the newest first",

    )  # fmt: skip
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="export_create",
        summary="Export a table",
        description="It is written in the background, in the language of Accept-Language, and "
        "kept for a week.",
        request=ExportCreateSerializer,
        responses={
            202: OpenApiResponse(ExportSerializer, "The job is queued; poll its `Location`.")
        },
    )
    def post(self, request: Request) -> Response:
        form = ExportCreateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        filters = filters_of(asked.get("filters", {}))
        job = export_jobs.start(filters, FORMATS[asked["format"]], request.user)
        answer = self.get_serializer(job).data
        return Response(answer, status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]})


class ExportView(Etagged, Exports, generics.RetrieveAPIView[Job]):
    """One of your exports."""

    @extend_schema(operation_id="export", summary="Retrieve an export")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


class ExportDownloadView(Exports):
    """The file of an export."""

    content_negotiation_class = AlwaysJson

    @extend_schema(
        operation_id="export_download",
        summary="Fetch the table of an export",
        parameters=[RANGE],
        responses={
            **file_responses(Form.XLSX.content_type, Form.CSV.content_type),
            409: OpenApiResponse(description="It is not done yet, has failed or was cancelled."),
            410: OpenApiResponse(description="It was kept for a week and is gone."),
        },
    )
    def get(self, request: Request, pk: Any) -> HttpResponseBase:
        job = self.get_object()
        if job.state != Job.State.DONE:
            raise Conflict(_("The export is not finished."), "export_not_ready")
        form = Form(job.params["form"])
        try:
            file = export_jobs.file_of(job).open("rb")
        except FileNotFoundError as error:
            raise Problem("export_gone", 410, _("The export is no longer stored.")) from error
        size = export_jobs.file_of(job).stat().st_size
        response = file_response(request, file, size, form.content_type)
        name = content_disposition_header(True, f"creatives-{job.created_at:%Y-%m-%d}{form.suffix}")
        response["Content-Disposition"] = str(name)
        return response


urlpatterns = [
    path("exports", ExportsView.as_view(), name="exports"),
    path("exports/<uuid:pk>", ExportView.as_view(), name="export"),
    path("exports/<uuid:pk>/download", ExportDownloadView.as_view(), name="export-download"),
]
