"""Views of labels and label batches: list, set, undo."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.filters import AddressFilters
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.parsers import JSONParser
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.core.problems import Conflict, Problem
from creativefilter.api.creatives.filters import creatives_of
from creativefilter.api.labels.filters import LabelFilterSerializer
from creativefilter.api.labels.serializers import (
    LabelBatchCreateSerializer,
    LabelBatchOutcomeSerializer,
    LabelBatchSerializer,
    LabelBatchUndoneSerializer,
    LabelCreateSerializer,
    LabelSerializer,
)
from creativefilter.creatives.labels import batches
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, LabelBatch, Segment
from creativefilter.creatives.stored_ids import stored_ids


class LabelRows(generics.GenericAPIView[Label]):
    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_label", "POST": "creatives.add_label"}
    serializer_class = LabelSerializer
    queryset = Label.objects.select_related("author")


class LabelsView(Idempotent, LabelRows, generics.ListAPIView[Label]):
    """All labels, also those that no longer count."""

    parser_classes = [JSONParser]
    pagination_class = CursorPages
    filter_backends = [AddressFilters]
    filters = LabelFilterSerializer
    ordering = ["-id"]

    @extend_schema(operation_id="labels", summary="Labels, the newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="label_create",
        summary="Label a creative, or withdraw its label",
        filters=False,
        request=LabelCreateSerializer,
        responses={
            201: LabelSerializer,
            404: OpenApiResponse(description="There is no such creative."),
        },
    )
    def post(self, request: Request) -> Response:
        form = LabelCreateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        if "creative" in asked:
            rows = Creative.objects.filter(pk=asked["creative"])
        else:
            rows = Creative.objects.filter(
                advertisement_id__in=stored_ids([asked["advertisement_id"]]).values()
            )
        creative = rows.first()
        if creative is None:
            raise Problem("creative_not_found", 404, _("There is no such creative."))
        segment = _segment(asked["segment_num"])
        label = set_label(creative, segment, request.user, asked["note"])  # type: ignore[arg-type]
        answer = self.get_serializer(label).data
        return Response(answer, status.HTTP_201_CREATED, headers={"Location": answer["url"]})


def _segment(number: int | None) -> Segment | None:
    return None if number is None else Segment.objects.get(pk=number)


class LabelView(Etagged, LabelRows, generics.RetrieveAPIView[Label]):
    """One label."""

    @extend_schema(operation_id="label", summary="One label")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


class CreativeLabelsView(generics.ListAPIView[Label]):
    """All labels of a creative."""

    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_label"}
    serializer_class = LabelSerializer
    queryset = Label.objects.select_related("author")
    pagination_class = CursorPages
    ordering = ["-id"]

    def get_queryset(self) -> QuerySet[Label]:
        creative = get_object_or_404(Creative.objects.only("pk"), pk=self.kwargs["pk"])
        return super().get_queryset().filter(creative=creative.pk)

    @extend_schema(
        operation_id="creative_labels",
        summary="All labels of a creative, the newest first",
        description="Rows are only added; one without a segment withdraws the one before.",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class BatchRows(generics.GenericAPIView[LabelBatch]):
    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_labelbatch", "POST": "creatives.add_label"}
    serializer_class: Any = LabelBatchSerializer
    queryset = LabelBatch.objects.select_related("author")


class LabelBatchesView(Idempotent, BatchRows, generics.ListAPIView[LabelBatch]):
    """Label batches: segments that were set for many creatives in one action."""

    parser_classes = [JSONParser]
    pagination_class = CursorPages
    ordering = ["-id"]

    @extend_schema(
        operation_id="label_batches",
        summary="Batches of labels, the newest first",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="label_batch_create",
        summary="Set one segment for many creatives",
        description="All of them or, if an error occurs, none. With `dry_run` the response only "
        "states what would change.",
        filters=False,
        request=LabelBatchCreateSerializer,
        responses={
            200: OpenApiResponse(LabelBatchOutcomeSerializer, "A dry run: nothing was set."),
            201: OpenApiResponse(LabelBatchOutcomeSerializer, "It is set."),
            409: None,
        },
    )
    def post(self, request: Request) -> Response:
        form = LabelBatchCreateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        segment = Segment.objects.get(pk=asked["segment_num"])
        creatives, unknown = _selected(asked)
        found = batches.preview(creatives, segment)
        outcome: dict[str, Any] = {
            "batch": None,
            "changing": found.changing,
            "same": found.same,
            "before": found.before,
            "unknown_creatives": [],
            "unknown_advertisement_ids": [],
            **unknown,
        }
        if not asked["dry_run"]:
            count = asked.get("expected", found.changing)
            outcome["batch"] = _relabel(creatives, segment, request, asked["note"], count)
        answer = LabelBatchOutcomeSerializer(outcome, context=self.get_serializer_context()).data
        if outcome["batch"] is None:
            return Response(answer)
        headers = {"Location": answer["batch"]["url"]}
        return Response(answer, status.HTTP_201_CREATED, headers=headers)


def _selected(asked: dict[str, Any]) -> tuple[QuerySet[Creative], dict[str, list[Any]]]:
    """Return the creatives that a request selects, and the unknown ones that it names."""
    if "filter" in asked:
        return creatives_of(asked["filter"]), {}
    if "advertisement_ids" in asked:
        given = set(asked["advertisement_ids"])
        stored = stored_ids(given)
        rows = Creative.objects.filter(advertisement_id__in=set(stored.values()))
        return rows, {"unknown_advertisement_ids": sorted(given - stored.keys())}
    numbers = set(asked["creatives"])
    rows = Creative.objects.filter(pk__in=numbers)
    return rows, {"unknown_creatives": sorted(numbers - set(rows.values_list("pk", flat=True)))}


def _relabel(
    creatives: QuerySet[Creative], segment: Segment, request: Request, note: str, count: int
) -> LabelBatch:
    try:
        return batches.relabel(creatives, segment, request.user, note, count)  # type: ignore[arg-type]
    except batches.ChangedError as error:
        raise Conflict(
            _("The selection of creatives has changed. Nothing was set: check it again."),
            "creatives_changed",
        ) from error


class LabelBatchView(Etagged, BatchRows, generics.RetrieveAPIView[LabelBatch]):
    """One batch."""

    @extend_schema(operation_id="label_batch", summary="One batch of labels")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


class LabelBatchUndoView(Idempotent, BatchRows):
    """Undo a label batch."""

    serializer_class = LabelBatchUndoneSerializer

    @extend_schema(
        operation_id="label_batch_undo",
        summary="Undo a batch of labels",
        description="By further labels: the history stays whole.",
        request=None,
        responses={200: LabelBatchUndoneSerializer, 409: None},
    )
    def post(self, request: Request, pk: int) -> Response:
        batch: Any = self.get_object()
        batch.restored = batches.undo(batch, request.user)  # type: ignore[arg-type]
        if batch.restored is None:
            raise Conflict(_("This has already been undone."), "already_undone")
        return Response(self.get_serializer(batch).data)


urlpatterns = [
    path("labels", LabelsView.as_view(), name="labels"),
    path("labels/<int:pk>", LabelView.as_view(), name="label"),
    path("creatives/<int:pk>/labels", CreativeLabelsView.as_view(), name="creative-labels"),
    path("labels/batches", LabelBatchesView.as_view(), name="label-batches"),
    path("labels/batches/<int:pk>", LabelBatchView.as_view(), name="label-batch"),
    path("labels/batches/<int:pk>/undo", LabelBatchUndoView.as_view(), name="label-batch-undo"),
]
