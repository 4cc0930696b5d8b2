"""The Advertisement ID that a person gives to a creative that is stored."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from creativefilter.creatives.labels.imports import take_waiting
from creativefilter.creatives.models import Creative


class TakenError(ValueError):
    """Another creative has this Advertisement ID."""


def set_advertisement_id(creative: Creative, advertisement_id: str | None) -> None:
    """Set the ID of a creative, or clear it with None. A label that waited for the ID is taken.

    Raises ``TakenError`` if another creative has the ID, and changes nothing.
    """
    before = creative.advertisement_id
    creative.advertisement_id = advertisement_id or None
    try:
        with transaction.atomic():
            creative.save(update_fields=["advertisement_id"])
            take_waiting([creative])
    except IntegrityError as error:
        creative.advertisement_id = before
        raise TakenError(advertisement_id) from error
