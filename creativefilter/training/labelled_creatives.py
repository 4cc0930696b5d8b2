"""Querysets of creatives for training and evaluation."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from creativefilter.creatives.models import Creative, PictureVector, ScreenReading, Transcript


def labelled() -> QuerySet[Any]:
    """Return creatives with a label, without the demonstration.

    ``label_segment`` is the number of the labelled segment.
    """
    # Any, because the type checker does not know annotations.
    creatives: QuerySet[Any] = Creative.objects.real().with_effective_segment()
    return creatives.exclude(label_segment=None)


def ready() -> QuerySet[Any]:
    """Return labelled creatives whose current media is analysed, oldest first.

    Analysed means that some channel has a result, even if that is "no speech". Jobs do not
    matter: a creative that is being classified again is used as well.
    """
    media = OuterRef("current_media")
    analysed = (
        Exists(Transcript.objects.filter(media=media))
        | Exists(ScreenReading.objects.filter(media=media, problem=""))
        | Exists(PictureVector.objects.filter(media=media))
    )
    return labelled().filter(analysed).select_related("current_media__creative").order_by("pk")
