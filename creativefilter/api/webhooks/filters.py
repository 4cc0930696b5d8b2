"""The filters of the history of a webhook."""

from __future__ import annotations

from creativefilter.api.core.filters import FilterSerializer
from creativefilter.api.core.strict_fields import Word
from creativefilter.webhooks.models import TEST_EVENT, Delivery, Event


class DeliveryFilterSerializer(FilterSerializer):
    """Deliveries that all of these let through."""

    state = Word(Delivery.State.values, required=False)
    event = Word([*Event.values, TEST_EVENT], required=False, help_text="Of this event.")
