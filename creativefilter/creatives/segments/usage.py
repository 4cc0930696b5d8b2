"""What counts under a segment, and would move if it were merged or its merge undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery

from creativefilter.creatives.models import Creative, Label, Prediction, Segment, WaitingLabel


@dataclass(frozen=True, slots=True)
class Affected:
    """Creatives and waiting labels with one of some segments, as their rows store it.

    Attributes:
        labelled: Creatives whose newest label has one of the segments.
        predicted: Creatives without a label, whose prediction has one of them.
        waiting: Waiting labels with one of them.
    """

    labelled: QuerySet[Creative]
    predicted: QuerySet[Creative]
    waiting: QuerySet[WaitingLabel]

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Affected:
        """Find what has one of the segments ``numbers``. The querysets are not evaluated."""
        numbers = list(numbers)
        labels = Label.objects.filter(creative=OuterRef("pk")).order_by("-pk")
        predictions = Prediction.objects.filter(
            creative=OuterRef("pk"),
            media=OuterRef("current_media"),
        ).order_by("-model_version__is_active", "-pk")
        # By their history first, so that the newest rows of few creatives only are looked up.
        had_label = Label.objects.filter(segment__in=numbers).order_by().values("creative")
        had_prediction = Prediction.objects.filter(segment__in=numbers).order_by()
        labelled = Creative.objects.filter(pk__in=had_label).annotate(
            stored=Subquery(labels.values("segment")[:1])
        )
        predicted = Creative.objects.filter(pk__in=had_prediction.values("creative")).annotate(
            stored_label=Subquery(labels.values("segment")[:1]),
            stored=Subquery(predictions.values("segment")[:1]),
        )
        return cls(
            labelled=labelled.filter(stored__in=numbers),
            predicted=predicted.filter(stored__in=numbers, stored_label=None),
            waiting=WaitingLabel.objects.filter(segment__in=numbers),
        )

    def advertisements(self, creative: str, advertisement_id: str) -> Q:
        """Return the condition for rows that belong to one of the creatives or waiting labels.

        Args:
            creative: Lookup path from the queried model to the creative.
            advertisement_id: Lookup path to the Advertisement ID, for rows without a creative.
        """
        rows = Q(**{f"{creative}__in": self.labelled.order_by().values("pk")})
        rows |= Q(**{f"{creative}__in": self.predicted.order_by().values("pk")})
        of_no_creative = Q(**{f"{creative}__isnull": True})
        return rows | of_no_creative & Q(**{f"{advertisement_id}__in": self.waiting.values("pk")})


def merged_with(segment: Segment) -> set[int]:
    """Return the numbers of a segment and of all that were merged into it, also indirectly."""
    targets = dict(Segment.objects.values_list("number", "merge_target"))
    found = {segment.number}
    while more := {number for number, target in targets.items() if target in found} - found:
        found |= more
    return found
