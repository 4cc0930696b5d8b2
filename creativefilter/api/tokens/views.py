"""Views of access tokens.

Users see and revoke their own tokens. Leads see all tokens and revoke all but those of superusers.
"""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from creativefilter.accounts import tokens
from creativefilter.accounts.models import TokenDetails
from creativefilter.api.core import generics
from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.core.pagination import CursorPages
from creativefilter.api.core.parsers import JSONParser
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.core.problems import Conflict
from creativefilter.api.tokens.serializers import (
    IssuedTokenSerializer,
    NewTokenSerializer,
    TokenSerializer,
)


class TokenViews(generics.GenericAPIView[TokenDetails]):
    """Base of the views of access tokens."""

    permission_classes = [RolePermissions]
    # A login is enough: ``get_queryset`` limits users to the tokens that they may see.
    required = {"GET": None, "POST": None, "DELETE": None}
    parser_classes = [JSONParser]
    serializer_class = TokenSerializer
    queryset = TokenDetails.objects.all()

    def get_queryset(self) -> QuerySet[TokenDetails]:
        return tokens.within_reach(self.request.user)


class TokensView(Idempotent, TokenViews, generics.KnownParameters[TokenDetails]):
    """List the tokens that the user may see, create one, or revoke all of the user's own."""

    pagination_class = CursorPages
    shown_once = ("value",)

    @extend_schema(
        operation_id="tokens",
        summary="Your access tokens, the newest first; leads see everybody's",
        responses={200: TokenSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="token_create",
        summary="Create an access token",
        description="Its value is in this answer and never again.",
        request=NewTokenSerializer,
        responses={
            201: OpenApiResponse(IssuedTokenSerializer, "It works from now on."),
            409: OpenApiResponse(description="You have as many tokens as one user may have."),
        },
    )
    def post(self, request: Request) -> Response:
        form = NewTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        try:
            issued = tokens.issue(request.user, **form.validated_data)
        except tokens.TooManyError as error:
            text = _("You have as many tokens as one user may have. Revoke some first.")
            raise Conflict(text, "too_many_tokens") from error
        answer = {**self.get_serializer(issued.details).data, "value": issued.value}
        where = reverse("api:token", args=[issued.details.pk], request=request)
        headers = {"Location": where, "Cache-Control": "no-store"}
        return Response(answer, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(
        operation_id="tokens_revoke",
        summary="Revoke all your access tokens",
        request=None,
        description="The token that authenticates the request is kept. "
        "Tokens of other users are not affected.",
        responses={204: OpenApiResponse(description="The tokens are revoked.")},
    )
    def delete(self, request: Request) -> Response:
        assert request.user.is_authenticated  # noqa: S101 (RolePermissions requires a login)
        tokens.revoke_all(request.user, but=request.auth)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenView(Etagged, TokenViews):
    """One access token."""

    @extend_schema(operation_id="token", summary="One access token")
    def get(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="token_revoke",
        summary="Revoke an access token",
        request=None,
        description="A token can't revoke itself, so that a program does not lock itself out. "
        "Only superusers revoke the tokens of superusers.",
        responses={
            204: OpenApiResponse(description="The token is revoked."),
            409: OpenApiResponse(description="This token authenticates the request."),
        },
    )
    def delete(self, request: Request, pk: int) -> Response:
        details = self.get_object()
        if not tokens.may_revoke(request.user, details.token.user):
            raise PermissionDenied
        if request.auth is not None and request.auth.pk == details.token_id:
            text = _("A token can't revoke itself: use another token or the page of tokens.")
            raise Conflict(text, "token_in_use")
        tokens.revoke(details)
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("tokens", TokensView.as_view(), name="tokens"),
    path("tokens/<int:pk>", TokenView.as_view(), name="token"),
]
