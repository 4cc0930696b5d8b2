"""Serializers of requests and responses about webhooks and deliveries."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.strict_fields import Boolean, Text
from creativefilter.api.jobs.serializers import JobErrorSerializer
from creativefilter.site.codes import sentence
from creativefilter.webhooks import addresses
from creativefilter.webhooks.models import TEST_EVENT, Delivery, Endpoint, Event

EVENT_HELP = "Events that are sent to it: `job.done`, `job.failed`, `job.cancelled`."


class EventsField(serializers.ListField):
    """A list of events without duplicates, in the order of ``Event``."""

    default_error_messages = {"twice": _("Each event may be given only once.")}

    def __init__(self, **options: Any) -> None:
        child = serializers.ChoiceField(Event.choices)
        super().__init__(child=child, allow_empty=False, max_length=len(Event), **options)

    def to_internal_value(self, data: Any) -> list[str]:
        events: list[str] = super().to_internal_value(data)
        if len(set(events)) < len(events):
            self.fail("twice")
        return [str(event) for event in Event if event in events]


class EventsSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Adds to the schema that a list of events is not empty and has no duplicates."""

    target_class = EventsField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**schema, "minItems": 1, "uniqueItems": True}


class WebhookChangeSerializer(serializers.Serializer[Any]):
    """The settings of a webhook. Fields that are left out stay as they are."""

    url = Text(
        required=False,
        max_length=addresses.URL_MAX_LENGTH,
        help_text="Where events are sent: http or https, a public address, port 80, 443 or one "
        "from 1024 on, no name and password.",
    )
    events = EventsField(required=False, help_text=EVENT_HELP)
    description = Text(required=False, allow_blank=True, max_length=200)
    active = Boolean(
        required=False,
        help_text="While it is off nothing is recorded for it, and what waits stays waiting.",
    )


class WebhookNewSerializer(WebhookChangeSerializer):
    """A new webhook. Without `events` it gets all events."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["url"].required = True
        return fields


class WebhookSerializer(serializers.ModelSerializer[Endpoint]):
    """A URL of yours to which an event is sent when one of your jobs ends."""

    events = serializers.ListField(
        child=serializers.ChoiceField(Event.choices), help_text=EVENT_HELP
    )
    off_reason = serializers.SerializerMethodField()
    failures = serializers.IntegerField(
        read_only=True, min_value=0, help_text="Tries in a row that failed."
    )

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            "id", "url", "description", "events", "active", "off_reason", "failures",
            "failing_since", "created_at",
        )  # fmt: skip

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_off_reason(self, endpoint: Endpoint) -> dict[str, str] | None:
        """Why the webhook was switched off, if not by its owner."""
        if not endpoint.off_reason:
            return None
        return {"code": endpoint.off_reason, "message": endpoint.get_off_reason_display()}


class WebhookSecretSerializer(WebhookSerializer):
    """A webhook with its secret, which is not shown again."""

    secret = serializers.CharField(
        allow_null=True,
        help_text="`whsec_` and 32 bytes in base64. Null in an answer that is repeated for an "
        "Idempotency-Key: secrets are not kept.",
    )

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """The sending of one event, with the outcome of the last attempt."""

    event = serializers.ChoiceField([*Event.values, TEST_EVENT])
    attempts = serializers.IntegerField(min_value=0, help_text="Tries so far.")
    status_code = serializers.IntegerField(
        allow_null=True, help_text="Of the last answer; null if there was none."
    )
    error = serializers.SerializerMethodField()
    answer = serializers.CharField(help_text="The first 2 KB of it.")
    next_attempt_at = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = (
            "id", "event", "job", "state", "attempts", "status_code", "error", "answer",
            "created_at", "last_attempt_at", "next_attempt_at",
        )  # fmt: skip

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, delivery: Delivery) -> dict[str, str] | None:
        """Why the last attempt got no answer."""
        if not delivery.error:
            return None
        return {"code": delivery.error, "message": sentence(delivery.error)}

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, delivery: Delivery) -> Any:
        """The time of the next attempt; null if there will be none."""
        moment = delivery.next_try
        return serializers.DateTimeField().to_representation(moment) if moment else None


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with the body that is sent."""

    body = serializers.CharField(help_text="JSON, as it is signed: at every try the same bytes.")

    class Meta(DeliverySerializer.Meta):
        fields = (*DeliverySerializer.Meta.fields, "body")
