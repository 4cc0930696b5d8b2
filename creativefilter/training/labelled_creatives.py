"""Which creatives can teach and judge a model."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from creativefilter.creatives.models import Creative


def labelled() -> QuerySet[Any]:
    """Creatives with a label, without the demonstration; ``label_segment`` is its number."""
    # Any: the type checker knows no annotations.
    creatives: QuerySet[Any] = Creative.objects.real().with_effective_segment()
    return creatives.exclude(label_segment=None)


def ready() -> QuerySet[Any]:
    """Those of them that are analysed, in the order they came."""
    done = labelled().filter(state=Creative.State.DONE).exclude(current_media=None)
    return done.select_related("current_media__creative").order_by("pk")
