"""Views of model versions: list, show, activate."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.model_versions.serializers import (
    ActivatedSerializer,
    ModelVersionSerializer,
)
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.models import ModelVersion


class ModelVersions(generics.GenericAPIView[Any]):
    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_modelversion"}
    serializer_class: Any = ModelVersionSerializer
    queryset = ModelVersion.objects.annotate(used=Count("predictions"))


class ModelVersionsView(ModelVersions, generics.ListAPIView[Any]):
    """All model versions."""

    pagination_class = CursorPages
    ordering = ["-id"]

    @extend_schema(
        operation_id="model_versions",
        summary="Model versions, the newest first",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class ModelVersionView(Etagged, ModelVersions, generics.RetrieveAPIView[Any]):
    """One model version."""

    @extend_schema(operation_id="model_version", summary="One model version")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.retrieve(request, *args, **kwargs)


class ActiveModelVersionView(ModelVersions):
    """The active model version."""

    @extend_schema(
        operation_id="model_version_active",
        summary="The active model version",
        responses={200: ModelVersionSerializer, 404: None},
    )
    def get(self, request: Request) -> Response:
        version = self.get_queryset().filter(is_active=True).first()
        if version is None:
            raise Http404
        return Response(self.get_serializer(version).data)


class ModelVersionActivateView(Idempotent, ModelVersions):
    """Activate a model version."""

    required = {"POST": "creatives.change_modelversion"}
    serializer_class = ActivatedSerializer

    @extend_schema(
        operation_id="model_version_activate",
        summary="Activate a model version",
        description="One job classifies every creative without a prediction of this version, and "
        "decides the others again if the target precision or the mix of segments was changed "
        "since. A job of an earlier activation that has not ended is cancelled. Creatives stay in "
        "the state `done` meanwhile. Labels stay, and so do the predictions of the other versions: "
        "to go back, activate an older one.",
        request=None,
        responses={200: ActivatedSerializer, 409: None},
    )
    def post(self, request: Request, pk: int) -> Response:
        version = self.get_object()
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        with transaction.atomic():
            before = ModelVersion.objects.filter(is_active=True).first()
            model_versions.activate(version)
            queued = decide_again(request.user)
        version.is_active = True
        answer = {
            "model_version": version,
            "before": before.pk if before and before.pk != version.pk else None,
            "job": queued.job.pk if queued else None,
            "creatives": queued.creatives if queued else 0,
            "jobs": queued.creatives if queued else 0,
        }
        return Response(self.get_serializer(answer).data)


urlpatterns = [
    path("model_versions", ModelVersionsView.as_view(), name="model-versions"),
    path("model_versions/active", ActiveModelVersionView.as_view(), name="model-version-active"),
    path("model_versions/<int:pk>", ModelVersionView.as_view(), name="model-version"),
    path(
        "model_versions/<int:pk>/activate",
        ModelVersionActivateView.as_view(),
        name="model-version-activate",
    ),
]
