"""What model versions decided, for programs. Predictions are only read."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import path
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import filters
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.core.sparse_fields import fields_of
from creativefilter.api.creatives import examples
from creativefilter.api.creatives.rows import wanted
from creativefilter.api.creatives.serializers import PredictionSerializer
from creativefilter.creatives.models import Prediction


class PredictionFilters(django_filters.FilterSet):
    creative = filters.RowNumber(label="Number of a creative.")
    model_version = filters.RowNumber(label="Number of a model version.")
    segment = filters.Segments(field_name="segment", label="Number of a segment, or `none`.")
    decision = filters.OneOf(Prediction.Decision.values)
    conflict = filters.Truth(label="Whether the channels contradict each other.")
    created_from = filters.Moment(field_name="created_at", lookup_expr="gte")
    created_to = filters.Moment(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Prediction
        fields: list[str] = []


class PredictionRows(generics.GenericAPIView[Prediction]):
    """What every view of predictions shares."""

    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_prediction"}
    serializer_class = PredictionSerializer
    queryset = Prediction.objects.select_related("model_version").defer("model_version__metrics")


class PredictionList(PredictionRows, generics.ListAPIView[Prediction]):
    """The long fields are read where they are wanted."""

    pagination_class = CursorPages
    ordering = ["-id"]

    def get_queryset(self) -> QuerySet[Prediction]:
        long = wanted(self.request)
        return super().get_queryset().defer(*{"probabilities", "channels"} - long)


class PredictionsView(PredictionList):
    """What was decided, on all creatives."""

    filter_backends = [DjangoFilterBackend]
    filterset_class = PredictionFilters

    @extend_schema(
        operation_id="predictions",
        summary="Predictions, the newest first",
        parameters=[fields_of(PredictionSerializer)],
        examples=[examples.PREDICTIONS],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class PredictionView(Etagged, PredictionRows, generics.RetrieveAPIView[Prediction]):
    """One prediction."""

    @extend_schema(
        operation_id="prediction",
        summary="One prediction with its probabilities and evidence",
        parameters=[fields_of(PredictionSerializer)],
        examples=[examples.PREDICTION],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


urlpatterns = [
    path("predictions", PredictionsView.as_view(), name="predictions"),
    path("predictions/<int:pk>", PredictionView.as_view(), name="prediction"),
]
