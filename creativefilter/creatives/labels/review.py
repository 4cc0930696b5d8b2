"""What people say of creatives: their segment, and the advertisement that they belong to.

Labels are added beside predictions, never over them.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from creativefilter.creatives.labels.imports import take_waiting
from creativefilter.creatives.models import Creative, Label, Segment


class TakenError(ValueError):
    """Another creative has this Advertisement ID."""


def set_label(
    creative: Creative, segment: Segment | None, author: User | None, note: str = ""
) -> Label:
    """Adds a label; ``segment=None`` withdraws the one before, so the prediction counts again."""
    return Label.objects.create(creative=creative, segment=segment, author=author, note=note)


def set_advertisement_id(creative: Creative, advertisement_id: str | None) -> None:
    """Says whose creative it is; None for nobody's. A label that waited for the ID is taken.

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
