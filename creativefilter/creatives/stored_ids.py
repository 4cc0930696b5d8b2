"""Advertisement IDs of stored creatives: lookup in any spelling, and change by a user."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from creativefilter.creatives import ids
from creativefilter.creatives.labels.imports import take_waiting
from creativefilter.creatives.models import Creative


class TakenError(ValueError):
    """Another creative has this Advertisement ID."""


def stored_ids(given: Iterable[str]) -> dict[str, str]:
    """Map each given ID to the stored ID that it means; IDs without a creative are left out.

    IDs that older versions stored without normalising them are found by their exact text.
    """
    spellings = {text: (text.strip(), ids.normal_or_given(text)) for text in given}
    wanted = {name for names in spellings.values() for name in names}
    rows = Creative.objects.filter(advertisement_id__in=wanted)
    stored = set(rows.values_list("advertisement_id", flat=True))
    return {
        text: next(name for name in names if name in stored)
        for text, names in spellings.items()
        if stored.intersection(names)
    }


def set_advertisement_id(creative: Creative, advertisement_id: str | None) -> None:
    """Set the ID of a creative; None or "" clears it. A label that waits for the ID is added,
    unless a person has labelled the creative.

    Raises:
        TakenError: another creative has the ID; nothing is changed.
        IdError: the text is not an Advertisement ID; nothing is changed.
    """
    before = creative.advertisement_id
    creative.advertisement_id = ids.normal(advertisement_id) if advertisement_id else None
    try:
        with transaction.atomic():
            creative.save(update_fields=["advertisement_id"])
            take_waiting([creative])
    except IntegrityError as error:
        creative.advertisement_id = before
        raise TakenError(advertisement_id) from error
