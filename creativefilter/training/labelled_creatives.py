"""Querysets of creatives for training and evaluation."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from creativefilter.creatives.models import Creative


def labelled() -> QuerySet[Any]:
    """Return creatives with a label, without the demonstration.

    ``label_segment`` is the number of the labelled segment.
    """
    # Any, because the type checker does not know annotations.
    creatives: QuerySet[Any] = Creative.objects.real().with_effective_segment()
    return creatives.exclude(label_segment=None)


def ready() -> QuerySet[Any]:
    """Return labelled creatives that are analysed, oldest first."""
    done = labelled().filter(state=Creative.State.DONE).exclude(current_media=None)
    return done.select_related("current_media__creative").order_by("pk")
