"""Creatives with all data that responses need, fetched for a whole page at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from creativefilter.api.core.sparse_fields import asked_fields
from creativefilter.api.predictions.rows import with_long_fields
from creativefilter.creatives.models import Creative, Prediction, ScreenReading, Transcript

# Fields that are left out of lists unless ``?fields=`` names them.
LONG = frozenset({"transcript", "screen_text", "probabilities", "channels", "media"})


@dataclass(frozen=True, slots=True)
class CreativeDetails:
    """What a response needs besides the row of the creative; texts not requested are empty."""

    prediction: Prediction | None
    transcript: str
    screen_text: str


def requested_long_fields(request: Any) -> frozenset[str]:
    """Return the long fields that ``?fields=`` of a list names."""
    return LONG & asked_fields(request)


def creative_rows(long: Collection[str]) -> Any:
    """Return a queryset of all creatives with the related rows that responses need.

    Args:
        long: The long fields that the response has.
    """
    rows = Creative.objects.with_effective_segment().select_related("job", "current_media")
    if "media" not in long:
        rows = rows.defer("current_media__probe", "current_media__shape")
    return rows.defer("job__params", "job__result", "job__error_detail")


def attach_details(creatives: Sequence[Any], long: Collection[str]) -> None:
    """Set ``details`` of each creative, with as many queries for 500 creatives as for one.

    Args:
        creatives: Rows of ``creative_rows``; changed in place.
        long: The long fields that the response has.
    """
    predictions = _predictions(creatives, long)
    media = [creative.current_media_id for creative in creatives]
    speech, screen_texts = {}, {}
    if "transcript" in long:
        transcripts = Transcript.objects.filter(media__in=media).order_by("pk")
        speech = dict(transcripts.values_list("media", "speech"))
    if "screen_text" in long:
        readings = ScreenReading.objects.filter(media__in=media, problem="").order_by("pk")
        screen_texts = dict(readings.values_list("media", "text"))
    for creative in creatives:
        creative.details = CreativeDetails(
            predictions.get(creative.prediction),
            speech.get(creative.current_media_id, ""),
            screen_texts.get(creative.current_media_id, ""),
        )


def _predictions(creatives: Sequence[Any], long: Collection[str]) -> dict[int, Prediction]:
    rows = with_long_fields(Prediction.objects.all(), long)
    return rows.in_bulk([each.prediction for each in creatives if each.prediction is not None])
