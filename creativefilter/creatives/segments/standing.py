"""How many labels each segment has, and whether the active model version predicts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from creativefilter.creatives import model_versions
from creativefilter.creatives.models import Creative


@dataclass(frozen=True, slots=True)
class Standing:
    """What the models know of a segment.

    Attributes:
        labels: Creatives whose newest label counts under it, without the demonstration.
        predicted: Whether the active model version predicts it.
    """

    labels: int
    predicted: bool

    @property
    def missing(self) -> int:
        """Labels that it still needs to take part in training."""
        return max(0, settings.LEAST_LABELS_OF_SEGMENT - self.labels)

    def __str__(self) -> str:
        """The standing as sentences in the active language."""
        known = _("The model knows it.") if self.predicted else _("Not learned yet.")
        if not self.missing:
            enough = _("There are enough labels for the next training.")
            return known if self.predicted else f"{known} {enough}"
        text = ngettext(
            "%d more label is needed for training.",
            "%d more labels are needed for training.",
            self.missing,
        )
        return f"{known} {text % self.missing}"


def standings() -> dict[int, Standing]:
    """Return the standing of each segment that has labels or is predicted, by its number."""
    # Any, because the type checker does not know annotations.
    creatives: Any = Creative.objects.real().with_effective_segment().order_by()
    labelled = creatives.exclude(label_segment=None).values_list("label_segment")
    counts: dict[int, int] = dict(labelled.annotate(Count("pk")))
    predicted = model_versions.predicted_segments()
    return {
        number: Standing(counts.get(number, 0), number in predicted)
        for number in {*counts, *predicted}
    }


NOTHING = Standing(0, predicted=False)
