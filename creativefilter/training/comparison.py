"""Comparison of a new version with the active one on the exam set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from creativefilter.creatives.segments.directory import Directory
from creativefilter.training import labelled_creatives

if TYPE_CHECKING:
    from classifier.decision.bundle import Bundle
    from classifier.evaluation.figures import Evaluation
    from creativefilter.creatives.models import ModelVersion
    from creativefilter.training.exam import Relatives


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of a new version and of the active one on the same creatives of the exam set.

    Attributes:
        count: The labelled creatives of the exam set on which both may be judged, because neither
            was trained on any of their family.
        old_name: The name of the active version.
        new: The figures of the new version; None if ``count`` is less than
            ``LEAST_EXAM``.
        old: The figures of the active version; None also if its folder is damaged.
    """

    count: int
    old_name: str = ""
    new: Evaluation | None = None
    old: Evaluation | None = None

    def __str__(self) -> str:
        """A sentence about the creatives, in the active language."""
        if self.new is None:
            return _(
                "No comparison is possible yet: %(count)d of %(least)d labelled creatives of the "
                "exam set that neither version was trained on."
            ) % {"count": self.count, "least": labelled_creatives.LEAST_EXAM}
        return (
            _("Compared on %d creatives of the exam set that neither version was trained on.")
            % self.count
        )


def compare(
    version: ModelVersion,
    bundle: Bundle,
    active: ModelVersion,
    active_bundle: Bundle | None,
) -> None:
    """Compare a new version with the active one, and store the figures with the new version.

    Args:
        version: The new version.
        bundle: Its bundle.
        active: The active version.
        active_bundle: Its bundle; None if its folder is damaged.
    """
    from creativefilter.training.exam import judged_on, load_relatives

    # Not those of the training: creatives have arrived meanwhile, and labels were set.
    relatives = load_relatives()
    keys = set(relatives.creatives.tolist())
    for one in (bundle, active_bundle):
        if one:
            parts = one.parts
            keys &= judged_on(relatives, parts.training_creatives, parts.training_fingerprints)
    stored: dict[str, Any] = {"count": len(keys), "old_name": str(active)}
    if len(keys) >= labelled_creatives.LEAST_EXAM:
        stored["new"] = _evaluate(bundle, keys, relatives).facts()
        if active_bundle:
            stored["old"] = _evaluate(active_bundle, keys, relatives).facts()
    version.metrics["exam"] = stored
    version.save(update_fields=["metrics"])


def _evaluate(bundle: Bundle, keys: set[int], relatives: Relatives) -> Evaluation:
    import numpy as np

    family_of = dict(zip(relatives.creatives.tolist(), relatives.families.tolist(), strict=True))
    pairs = labelled_creatives.with_features(labelled_creatives.exam())
    chosen = [(creative, features) for creative, features in pairs if creative.pk in keys]
    return bundle.evaluate(
        [features for _creative, features in chosen],
        [creative.label_segment for creative, _features in chosen],
        np.array([family_of[creative.pk] for creative, _features in chosen]),
        Directory.read().merged_numbers(),
    )


def stored_comparison(version: ModelVersion) -> Comparison:
    """Return the comparison that was stored when the version was trained."""
    from classifier.evaluation.figures import Evaluation

    stored = version.metrics.get("exam", {"count": 0})
    new, old = (
        Evaluation.from_facts(stored[name]) if name in stored else None for name in ("new", "old")
    )
    return Comparison(int(stored["count"]), stored.get("old_name", ""), new, old)
