"""Querysets of creatives for training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from creativefilter.creatives.analysis.decision import features_of_many
from creativefilter.creatives.models import Creative
from creativefilter.site.database import in_batches

if TYPE_CHECKING:
    from classifier.decision.types import SpotFeatures

LEAST_EXAM = 100
"""Labelled exam creatives that a comparison of versions needs.

The 95 % interval of a share of right answers of .8 is then ±.08.
"""

# Creatives whose features are read by the same queries.
_AT_ONCE = 500


def labelled() -> QuerySet[Any]:
    """Return creatives with a label, without the demonstration.

    ``label_segment`` is the number of the labelled segment.
    """
    # Any, because the type checker does not know annotations.
    creatives: QuerySet[Any] = Creative.objects.real().with_effective_segment()
    return creatives.exclude(label_segment=None)


def ready() -> QuerySet[Any]:
    """Return labelled creatives whose current media is analysed, oldest first."""
    creatives: Any = labelled()
    return creatives.analysed().select_related("current_media__creative").order_by("pk")


def with_features(creatives: QuerySet[Any]) -> Iterator[tuple[Any, SpotFeatures]]:
    """Yield creatives with current media, by primary key, with the features of the media."""
    page: list[Any] = []
    for creative in in_batches(creatives):
        page.append(creative)
        if len(page) == _AT_ONCE:
            yield from _with_features(page)
            page = []
    yield from _with_features(page)


def _with_features(page: list[Any]) -> Iterator[tuple[Any, SpotFeatures]]:
    features = features_of_many([creative.current_media for creative in page])
    return zip(page, features, strict=True)


def exam() -> QuerySet[Any]:
    """Return the labelled, analysed creatives of the exam set, on which versions are judged."""
    return ready().filter(is_exam=True)


def taught() -> QuerySet[Any]:
    """Return the labelled, analysed creatives that versions learn.

    Call ``exam_set.assign_unassigned`` before: creatives that are not assigned are left out.
    """
    return ready().filter(is_exam=False)


def exam_unlabelled() -> QuerySet[Any]:
    """Return the creatives of the exam set that still have to be labelled."""
    creatives: QuerySet[Any] = Creative.objects.real().with_effective_segment()
    return creatives.filter(is_exam=True, label_segment=None)


def exam_by_segment() -> dict[int, int]:
    """Return how many creatives ``exam`` has of each segment, by its number."""
    counted = exam().order_by().values("label_segment").annotate(creatives=Count("pk"))
    return dict(counted.values_list("label_segment", "creatives"))


def exam_shortage() -> str:
    """Return a sentence if there are too few exam creatives to compare versions, otherwise ""."""
    count = exam().count()
    if count >= LEAST_EXAM:
        return ""
    return _(
        "No comparison of model versions is possible yet: %(count)d of %(least)d labelled "
        "creatives of the exam set."
    ) % {"count": count, "least": LEAST_EXAM}
