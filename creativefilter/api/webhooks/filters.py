"""The filters of the list of deliveries."""

from __future__ import annotations

from creativefilter.api.core.filters import FilterSerializer
from creativefilter.api.core.strict_fields import Choice
from creativefilter.webhooks.models import TEST_EVENT, Delivery, Event


class DeliveryFilterSerializer(FilterSerializer):
    """Filters of deliveries, combined with AND."""

    state = Choice(Delivery.State.values, required=False)
    event = Choice([*Event.values, TEST_EVENT], required=False, help_text="Of this event.")
