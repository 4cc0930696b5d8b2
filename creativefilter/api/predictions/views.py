"""Views of predictions, which are read-only."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.filters import AddressFilters
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.core.sparse_fields import asked_fields, fields_of
from creativefilter.api.predictions.filters import PredictionFilterSerializer
from creativefilter.api.predictions.rows import with_long_fields
from creativefilter.api.predictions.serializers import PredictionSerializer
from creativefilter.creatives.models import Creative, Prediction


class PredictionRows(generics.GenericAPIView[Prediction]):
    """Base of the views of predictions."""

    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_prediction"}
    serializer_class = PredictionSerializer
    queryset = with_long_fields(Prediction.objects.all())


class PredictionList(PredictionRows, generics.ListAPIView[Prediction]):
    """Base of the lists of predictions, which fetch the long fields only if requested."""

    pagination_class = CursorPages
    ordering = ["-id"]

    def get_queryset(self) -> QuerySet[Prediction]:
        return with_long_fields(Prediction.objects.all(), asked_fields(self.request))


class PredictionsView(PredictionList):
    """The predictions about all creatives."""

    filter_backends = [AddressFilters]
    filters = PredictionFilterSerializer

    @extend_schema(
        operation_id="predictions",
        summary="Predictions, the newest first",
        parameters=[fields_of(PredictionSerializer)],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class PredictionView(Etagged, PredictionRows, generics.RetrieveAPIView[Prediction]):
    """One prediction."""

    @extend_schema(
        operation_id="prediction",
        summary="One prediction with its probabilities and evidence",
        parameters=[fields_of(PredictionSerializer)],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


class CreativePredictionsView(PredictionList):
    """The predictions about one creative, of all model versions and media versions."""

    def get_queryset(self) -> QuerySet[Prediction]:
        creative = get_object_or_404(Creative.objects.only("pk"), pk=self.kwargs["pk"])
        return super().get_queryset().filter(creative=creative.pk)

    @extend_schema(
        operation_id="creative_predictions",
        summary="All predictions of a creative, the newest first",
        parameters=[fields_of(PredictionSerializer)],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


urlpatterns = [
    path("predictions", PredictionsView.as_view(), name="predictions"),
    path("predictions/<int:pk>", PredictionView.as_view(), name="prediction"),
    path(
        "creatives/<int:pk>/predictions",
        CreativePredictionsView.as_view(),
        name="creative-predictions",
    ),
]
