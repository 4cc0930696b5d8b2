"""Serializers of requests and responses about access tokens."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from creativefilter.accounts.models import TokenDetails
from creativefilter.api.core.strict_fields import Integer, Text


class NewTokenSerializer(serializers.Serializer[Any]):
    """The name and lifetime of a new token."""

    name = Text(max_length=100, help_text="What it is for.")
    days = Integer(
        min_value=1,
        max_value=settings.TOKEN_DAYS,
        default=settings.TOKEN_DAYS,
        help_text="How long it lives.",
    )


class TokenSerializer(serializers.ModelSerializer[TokenDetails]):
    """A token, without its value."""

    beginning = serializers.CharField(
        source="token.token_key", help_text="The first characters of the value."
    )
    owner = serializers.CharField(source="token.user.username")
    created_at = serializers.DateTimeField(source="token.created")
    expires_at = serializers.DateTimeField(source="token.expiry")
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="Accurate to ten minutes; null if it was never used."
    )

    class Meta:
        model = TokenDetails
        fields: tuple[str, ...] = (
            "id", "name", "beginning", "owner", "created_at", "expires_at", "last_used_at",
        )  # fmt: skip
        read_only_fields = fields


class IssuedTokenSerializer(TokenSerializer):
    """A new token with its value, which is not shown again."""

    value = serializers.CharField(
        allow_null=True,
        help_text="Send it as `Authorization: Token <value>`. Null where an Idempotency-Key "
        "brings the answer once more.",
    )

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "value")
        read_only_fields = fields
