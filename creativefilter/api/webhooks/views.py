"""Views of webhooks and their deliveries. Users see only their own webhooks."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.filters import AddressFilters
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.parsers import JSONParser
from creativefilter.api.core.permissions import RolePermissions, by_model, owned
from creativefilter.api.core.problems import Conflict
from creativefilter.api.webhooks.filters import DeliveryFilterSerializer
from creativefilter.api.webhooks.serializers import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    WebhookChangeSerializer,
    WebhookNewSerializer,
    WebhookSecretSerializer,
    WebhookSerializer,
)
from creativefilter.webhooks import endpoints, outbox
from creativefilter.webhooks.endpoints import EndpointError
from creativefilter.webhooks.models import TEST_EVENT, Delivery, Endpoint, Event


def _as_api_error(error: EndpointError) -> Exception:
    """Return ``ValidationError`` (400) if the error is about a field, else ``Conflict`` (409)."""
    if not error.field:
        return Conflict(str(error), error.code)
    return ValidationError({error.field: [ErrorDetail(str(error), error.code)]})


class WebhookViews(generics.GenericAPIView[Endpoint]):
    """Base of the views of webhooks: the queryset has only those of the requesting user."""

    permission_classes = [RolePermissions]
    required = by_model("webhooks.endpoint")
    parser_classes = [JSONParser]
    serializer_class = WebhookSerializer
    queryset = Endpoint.objects.all()

    def get_queryset(self) -> QuerySet[Endpoint]:
        return owned(super().get_queryset(), self.request)


class WebhooksView(Idempotent, WebhookViews, generics.KnownParameters[Endpoint]):
    """List your webhooks, or register one."""

    pagination_class = CursorPages
    shown_once = ("secret",)

    @extend_schema(
        operation_id="webhooks",
        summary="Your webhooks, the newest first",
        responses={200: WebhookSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="webhook_create",
        summary="Register a webhook",
        description="The secret is in this response only. docs/webhooks.md describes how to "
        "verify a signature; any Standard Webhooks library does it, too.",
        request=WebhookNewSerializer,
        responses={
            201: OpenApiResponse(
                WebhookSecretSerializer, "It is active, unless `active` is false."
            ),
            409: OpenApiResponse(description="You have as many webhooks as one user may have."),
        },
    )
    def post(self, request: Request) -> Response:
        form = WebhookNewSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        try:
            endpoint, secret = endpoints.register(
                request.user, **{"events": Event.values, **form.validated_data}
            )
        except EndpointError as error:
            raise _as_api_error(error) from error
        answer = {**self.get_serializer(endpoint).data, "secret": secret}
        location = reverse("api:webhook", args=[endpoint.pk], request=request)
        headers = {"Location": location, "Cache-Control": "no-store"}
        return Response(answer, status.HTTP_201_CREATED, headers=headers)


class WebhookView(Etagged, WebhookViews):
    """One webhook."""

    @extend_schema(
        operation_id="webhook",
        summary="One webhook",
    )
    def get(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="webhook_update",
        summary="Change a webhook, or switch it on or off",
        request=WebhookChangeSerializer,
        responses={200: WebhookSerializer},
    )
    def patch(self, request: Request, pk: str) -> Response:
        form = WebhookChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        endpoint = self.get_object()
        try:
            endpoint = endpoints.change(endpoint, form.validated_data)
        except EndpointError as error:
            raise _as_api_error(error) from error
        return Response(self.get_serializer(endpoint).data)

    @extend_schema(
        operation_id="webhook_delete",
        summary="Delete a webhook and its history",
        request=None,
        responses={204: OpenApiResponse(description="It is gone.")},
    )
    def delete(self, request: Request, pk: str) -> Response:
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookActionView(Idempotent, WebhookViews):
    """Base of the views that carry out an action on a webhook."""

    required = {"POST": "webhooks.change_endpoint"}


class WebhookSecretView(WebhookActionView):
    """Replace the secret of a webhook."""

    shown_once = ("secret",)

    @extend_schema(
        operation_id="webhook_rotate_secret",
        summary="Create a new secret for a webhook",
        description="The old one signs nothing from now on. What a receiver refuses meanwhile is "
        "sent again, signed with the new one.",
        request=None,
        responses={200: WebhookSecretSerializer},
    )
    def post(self, request: Request, pk: str) -> Response:
        endpoint = self.get_object()
        secret = endpoints.new_secret(endpoint)
        answer = {**self.get_serializer(endpoint).data, "secret": secret}
        return Response(answer, headers={"Cache-Control": "no-store"})


class WebhookTestView(WebhookActionView):
    """Send a test event."""

    @extend_schema(
        operation_id="webhook_test",
        summary=f"Send a `{TEST_EVENT}` event",
        request=None,
        responses={
            202: OpenApiResponse(DeliveryDetailSerializer, "Ask at its `Location` how it went."),
            409: OpenApiResponse(description="The webhook is off."),
        },
    )
    def post(self, request: Request, pk: str) -> Response:
        endpoint = self.get_object()
        try:
            delivery = outbox.send_test(endpoint)
        except EndpointError as error:
            raise _as_api_error(error) from error
        return _queued(request, endpoint, delivery)


def _queued(request: Request, endpoint: Endpoint, delivery: Delivery) -> Response:
    location = reverse("api:webhook-delivery", args=[endpoint.pk, delivery.pk], request=request)
    answer = DeliveryDetailSerializer(delivery).data
    return Response(answer, status.HTTP_202_ACCEPTED, headers={"Location": location})


class DeliveryViews(generics.GenericAPIView[Delivery]):
    """Base of the views of deliveries of one webhook, which the requesting user owns."""

    permission_classes = [RolePermissions]
    required = {"GET": "webhooks.view_delivery"}
    parser_classes = [JSONParser]
    serializer_class: type[DeliverySerializer] = DeliveryDetailSerializer
    queryset = Delivery.objects.all()
    lookup_url_kwarg = "delivery"

    def get_queryset(self) -> QuerySet[Delivery]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        own = owned(Endpoint.objects.all(), self.request)
        endpoint = get_object_or_404(own, pk=self.kwargs["pk"])
        return super().get_queryset().filter(endpoint=endpoint).select_related("endpoint")


class DeliveriesView(DeliveryViews, generics.KnownParameters[Delivery]):
    """The deliveries of a webhook."""

    serializer_class = DeliverySerializer
    pagination_class = CursorPages
    filter_backends = [AddressFilters]
    filters = DeliveryFilterSerializer

    @extend_schema(
        operation_id="webhook_deliveries",
        summary="Deliveries of a webhook, the newest first",
        responses={200: DeliverySerializer(many=True)},
    )
    def get(self, request: Request, pk: str) -> Response:
        rows = self.filter_queryset(self.get_queryset().defer("body"))
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class DeliveryView(Etagged, DeliveryViews):
    """One delivery."""

    @extend_schema(
        operation_id="webhook_delivery",
        summary="One delivery, with what is sent",
    )
    def get(self, request: Request, pk: str, delivery: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)


class RedeliverView(Idempotent, DeliveryViews):
    """Send a delivery again."""

    required = {"POST": "webhooks.change_endpoint"}

    @extend_schema(
        operation_id="webhook_redeliver",
        summary="Send a delivery again, at once",
        description="The same `webhook-id` and the same body; a new time stamp and signature.",
        request=None,
        responses={
            202: OpenApiResponse(DeliveryDetailSerializer, "Ask at its `Location` how it went."),
            409: OpenApiResponse(description="The webhook is off."),
        },
    )
    def post(self, request: Request, pk: str, delivery: str) -> Response:
        found = self.get_object()
        try:
            outbox.send_again(found)
        except EndpointError as error:
            raise _as_api_error(error) from error
        found = self.get_object()
        return _queued(request, found.endpoint, found)


urlpatterns = [
    path("webhooks", WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<uuid:pk>", WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:pk>/rotate_secret", WebhookSecretView.as_view(), name="webhook-secret"),
    path("webhooks/<uuid:pk>/test", WebhookTestView.as_view(), name="webhook-test"),
    path("webhooks/<uuid:pk>/deliveries", DeliveriesView.as_view(), name="webhook-deliveries"),
    path(
        "webhooks/<uuid:pk>/deliveries/<uuid:delivery>",
        DeliveryView.as_view(),
        name="webhook-delivery",
    ),
    path(
        "webhooks/<uuid:pk>/deliveries/<uuid:delivery>/redeliver",
        RedeliverView.as_view(),
        name="webhook-redeliver",
    ),
]
