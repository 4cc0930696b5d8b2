"""Views of imports of spend: upload, list, poll, start, cancel, bad rows."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.downloads import AlwaysJson
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.parsers import JSONParser
from creativefilter.api.core.permissions import RolePermissions, by_model
from creativefilter.api.core.problems import Conflict
from creativefilter.api.spend_imports.serializers import (
    SpendImportDetailSerializer,
    SpendImportSerializer,
    SpendUploadSerializer,
    StartSerializer,
)
from creativefilter.spend.imports import bad_rows
from creativefilter.spend.imports import jobs as work
from creativefilter.spend.models import SpendImport


class ImportsView(Idempotent, generics.GenericAPIView[SpendImport]):
    """Base of the views of imports."""

    permission_classes = [RolePermissions]
    required = by_model("spend.spendimport")
    serializer_class = SpendImportDetailSerializer
    queryset = SpendImport.objects.select_related("job", "owner")

    def serialized(self, row: SpendImport) -> dict[str, Any]:
        """Return the response body for an import, which is read again from the database."""
        row = get_object_or_404(self.get_queryset(), pk=row.pk)
        return dict(self.get_serializer(row).data)

    def permit(self, how: dict[str, Any]) -> None:
        """Check the permission to replace months, which deletes their spend.

        Args:
            how: Validated data of ``StartSerializer``.

        Raises:
            PermissionDenied: The import replaces months, and the user may not delete spend.
        """
        replaces = how.get("mode") == SpendImport.Mode.REPLACE and not how.get("dry_run")
        if replaces and not self.request.user.has_perm("spend.delete_spendrow"):
            raise PermissionDenied(_("Only a lead may replace months of spend."))

    def accepted(self, row: SpendImport) -> Response:
        """Return 202 for an import whose job is queued."""
        answer = self.serialized(row)
        return Response(answer, status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]})


ACCEPTED = OpenApiResponse(
    SpendImportDetailSerializer, "The job is queued; poll the import at its `Location`."
)


class SpendImportsView(ImportsView, generics.ListAPIView[SpendImport]):
    """List imports, or upload a table of spend."""

    pagination_class = CursorPages
    parser_classes = [MultiPartParser]

    def get_serializer_class(self) -> Any:
        return SpendImportSerializer if self.request.method == "GET" else self.serializer_class

    def get_queryset(self) -> QuerySet[SpendImport]:
        # The list does not show these two large columns.
        rows = super().get_queryset()
        return rows.defer("report", "header") if self.request.method == "GET" else rows

    @extend_schema(
        operation_id="spend_imports",
        summary="Imports of spend, the newest first",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="spend_import_create",
        summary="Import a table of spend, or check it",
        request={"multipart/form-data": SpendUploadSerializer},
        responses={202: ACCEPTED},
    )
    def post(self, request: Request) -> Response:
        form = SpendUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        how = form.validated_data
        self.permit(how)
        file = how.pop("file")
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        return self.accepted(work.receive_and_start(file, file.name, request.user, **how))


class SpendImportView(Etagged, ImportsView, generics.RetrieveAPIView[SpendImport]):
    """One import."""

    @extend_schema(
        operation_id="spend_import",
        summary="Retrieve an import",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class SpendImportStartView(ImportsView):
    """Import a file that was only checked, or whose import failed, without another upload."""

    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="spend_import_start",
        summary="Import a table that was checked",
        request=StartSerializer,
        responses={202: ACCEPTED},
    )
    def post(self, request: Request, pk: int) -> Response:
        form = StartSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        self.permit(form.validated_data)
        row = self.get_object()
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        work.start(row, request.user, **form.validated_data)
        return self.accepted(row)


class SpendImportCancelView(ImportsView):
    """Cancel an import that has not ended."""

    @extend_schema(
        operation_id="spend_import_cancel",
        summary="Cancel an import",
        request=None,
        responses={200: SpendImportDetailSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        row = self.get_object()
        if not work.cancel(row):
            raise Conflict(_("The job has already ended."), "job_ended")
        return Response(self.serialized(row))


class BadRowsView(ImportsView):
    """The bad rows of a file, to be corrected and imported again."""

    content_negotiation_class = AlwaysJson

    @extend_schema(
        operation_id="spend_import_bad_rows",
        summary="Download the bad rows of an import",
        description="CSV as Russian Excel opens it: UTF-8 with BOM, semicolons; no formulas.",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        row = self.get_object()
        lines = bad_rows.as_csv(row.header, bad_rows.of(row))
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        name = content_disposition_header(True, f"bad-rows-{row.pk}.csv")
        response["Content-Disposition"] = str(name)
        return response


urlpatterns = [
    path("imports", SpendImportsView.as_view(), name="spend-imports"),
    path("imports/<int:pk>", SpendImportView.as_view(), name="spend-import"),
    path("imports/<int:pk>/start", SpendImportStartView.as_view(), name="spend-import-start"),
    path("imports/<int:pk>/cancel", SpendImportCancelView.as_view(), name="spend-import-cancel"),
    path("imports/<int:pk>/bad-rows.csv", BadRowsView.as_view(), name="spend-import-bad-rows"),
]
