"""Views that classify tables of Advertisement IDs: our own, and that of the reference service."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from creativefilter.api.core import generics
from creativefilter.api.core.downloads import AlwaysJson
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.permissions import RolePermissions, owned
from creativefilter.api.core.problems import Conflict
from creativefilter.api.core.waiting import WaitSerializer, wait_for
from creativefilter.api.tables.serializers import (
    ReferenceTableResultSerializer,
    TableSerializer,
    TableUploadSerializer,
)
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence, status_of
from creativefilter.tables import jobs as work
from creativefilter.tables.downloads import XLSX, attachment
from creativefilter.tables.models import Table

FILE = {(200, XLSX): OpenApiTypes.BINARY, (200, "text/csv"): OpenApiTypes.BINARY}
DESCRIPTION = """
The same table comes back with `Segment_num`, `Segment`, `probability`, `reviewed` and `status`
added at its right; columns of exactly these names that are there already are overwritten. All
else stays as it came: other columns, sheets, formulas, formats, charts, pivot tables; in CSV the
encoding, the delimiter, quoting and line ends. Rows keep their places, whatever their ID is.

`Segment_num`, `Segment`: the newest label, else the newest prediction of the active model version.
`probability`: the model's, blank where a person decided otherwise. `reviewed`: `yes` or `no`.

| status | |
|---|---|
| `ok` | there is a segment |
| `no_speech` | there is neither speech nor text on the screen, so there is no segment |
| `unknown` | there is no creative with this Advertisement ID |
| `shortened` | a spreadsheet program has shortened the ID (`1.23E+07` as text) |
| `blank` | the row has no ID |
| `broken` | the row can't be read: a quotation mark is not closed, or it has too many cells |
| `failed:<code>` | the creative could not be analysed; the codes are those of jobs |
| `not_analysed` | there is nothing of it to analyse |

Creatives that are stored and that have no prediction of the active model version are classified
first; the job waits for them.
"""


class MayUseTables(RolePermissions):
    """Requires the permissions of the role; with PREDICT_ANONYMOUS, reading needs no login.

    A client without a login can only read a table without an owner, if it knows its ID.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if settings.PREDICT_ANONYMOUS and not request.user.is_authenticated:
            return request.method in ("GET", "HEAD", "OPTIONS")
        return super().has_permission(request, view)


class MaySubmitTables(BasePermission):
    """Requires the permission to add tables, or the setting PREDICT_ANONYMOUS."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return settings.PREDICT_ANONYMOUS or request.user.has_perm("tables.add_table")


def receive_table(request: Request) -> Table:
    """Store an uploaded table and queue its job.

    Raises:
        ValidationError: The form is invalid.
        CodedError: The file is refused.
        QuotaExceeded: The user has too many open jobs.
    """
    form = TableUploadSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    file = form.validated_data["file"]
    owner = request.user if request.user.is_authenticated else None
    return work.receive(file, file.name, owner)


def wait_for_table(table: Table, seconds: float) -> bool:
    """Wait for the job of a table and refresh both.

    Args:
        table: The table; its fields are read again from the database.
        seconds: The longest time to wait.

    Returns:
        False if too many requests are waiting already. True does not mean that the job has
        ended: check its state.
    """
    job = table.job
    assert job is not None  # noqa: S101 (the job was just created)
    place = wait_for(job, seconds)
    job.refresh_from_db()
    # After the job, and without reading the job again: a table whose job is done has its result.
    table.refresh_from_db()
    table.job = job
    return place


class Tables(generics.GenericAPIView[Table]):
    permission_classes = [MayUseTables]
    required: dict[str, Any] = {"GET": "tables.view_table", "POST": "tables.add_table"}
    serializer_class = TableSerializer
    queryset = Table.objects.select_related("job")

    def get_queryset(self) -> QuerySet[Table]:
        return owned(super().get_queryset(), self.request)


class TablesView(Idempotent, Tables, generics.ListAPIView[Table]):
    """List your tables, or upload one to classify."""

    permission_classes = [RolePermissions]
    pagination_class = CursorPages
    parser_classes = [MultiPartParser]
    ordering = ["-created_at"]

    @extend_schema(operation_id="tables", summary="Your tables, the newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="predict_table",
        summary="Classify the advertisements of a table",
        description=DESCRIPTION,
        parameters=[WaitSerializer],
        request={"multipart/form-data": TableUploadSerializer},
        responses={
            200: OpenApiResponse(TableSerializer, "The job ended within the wait."),
            202: OpenApiResponse(TableSerializer, "The job is queued; poll its `Location`."),
            429: OpenApiResponse(description="Too many jobs of yours have not ended."),
        },
    )
    def post(self, request: Request) -> Response:
        query = WaitSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        table = receive_table(request)
        self.store(self._answer(table))
        wait_for_table(table, query.validated_data["wait"])
        return self._answer(table)

    def _answer(self, table: Table) -> Response:
        answer = self.get_serializer(table).data
        final = table.job is not None and table.job.is_final
        code = status.HTTP_200_OK if final else status.HTTP_202_ACCEPTED
        return Response(answer, status=code, headers={"Location": answer["url"]})


class TableView(Etagged, Tables, generics.RetrieveDestroyAPIView[Table]):
    """One of your tables."""

    required = {"GET": "tables.view_table", "DELETE": "tables.delete_table"}

    @extend_schema(operation_id="table", summary="Retrieve a table")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)

    @extend_schema(operation_id="table_delete", summary="Delete a table and its answer")
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.destroy(request, *args, **kwargs)

    def perform_destroy(self, table: Table) -> None:
        work.remove(table)


class TableFileView(Tables):
    """The table with its segments."""

    content_negotiation_class = AlwaysJson

    @extend_schema(
        operation_id="table_file",
        summary="Download a table with its segments",
        responses={
            **FILE,
            409: OpenApiResponse(description="It is not done, or has failed: `table_not_ready`."),
        },
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return download(self.get_object())


def download(table: Table) -> FileResponse:
    """Return the table with its segments as an attachment.

    Raises:
        Conflict: There is no result, because the job has not ended, has failed or was cancelled.
        Http404: The file of the result is gone.
    """
    if not table.result:
        raise Conflict(_("The table is not finished."), "table_not_ready")
    return attachment(table)


class TableCancelView(Idempotent, Tables):
    """Stop classifying a table."""

    @extend_schema(
        operation_id="table_cancel",
        summary="Cancel a table",
        description="Analyses of creatives that were queued for this table continue.",
        request=None,
        responses={200: TableSerializer, 409: OpenApiResponse(description="It had ended.")},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        table = self.get_object()
        if not work.cancel(table):
            raise Conflict(_("The job has already ended."), "job_ended")
        return Response(self.get_serializer(self.get_object()).data)


class ReferencePredictTableView(Idempotent, generics.APIView):
    """Classify a table as the reference service does: answer the table with its segments."""

    parser_classes = [MultiPartParser]
    content_negotiation_class = AlwaysJson
    permission_classes = [MaySubmitTables]

    @extend_schema(
        operation_id="reference_predict_table",
        summary="Classify a table, as the reference service does",
        request={"multipart/form-data": TableUploadSerializer},
        responses={
            **FILE,
            202: OpenApiResponse(
                ReferenceTableResultSerializer, "Too many requests are waiting already; poll `job`."
            ),
            422: OpenApiResponse(
                ReferenceTableResultSerializer, "It can't be read; `reason` and `message` say why."
            ),
            429: OpenApiResponse(description="Too many jobs of yours have not ended."),
            500: OpenApiResponse(ReferenceTableResultSerializer, "Internal error."),
            504: OpenApiResponse(ReferenceTableResultSerializer, "Not done in time; poll `job`."),
        },
    )
    def post(self, request: Request) -> HttpResponseBase:
        table = receive_table(request)
        self.store(self._answer(table, late=202))
        has_waited = wait_for_table(table, settings.PREDICT_WAIT_SECONDS)
        return self._answer(table, late=504 if has_waited else 202)

    def _answer(self, table: Table, late: int) -> HttpResponseBase:
        """Return the response for the table; ``late`` is the HTTP status while its job is open."""
        if table.result:
            return download(table)
        job = table.job
        assert job is not None  # noqa: S101 (old jobs are deleted much later)
        cancelled = job.state == Job.State.CANCELLED
        code = "cancelled" if cancelled else job.error_code
        answer: dict[str, Any] = {"result": None, "reason": code or "not_ready"}
        if job.is_final:
            answer["message"] = sentence(code) if cancelled else work.explain(job)
            return Response(answer, 500 if status_of(code) >= 500 else 422)
        answer["job"] = reverse("api:job", args=[job.pk], request=self.request)
        answer["table"] = reverse("api:table", args=[table.pk], request=self.request)
        return Response(answer, late, headers={"Location": answer["job"]})


urlpatterns = [
    path("predict_table", TablesView.as_view(), name="tables"),
    path("predict_table/<uuid:pk>", TableView.as_view(), name="table"),
    path("predict_table/<uuid:pk>/file", TableFileView.as_view(), name="table-file"),
    path("predict_table/<uuid:pk>/cancel", TableCancelView.as_view(), name="table-cancel"),
]
