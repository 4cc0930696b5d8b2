"""Preview of other settings of decisions: what would change, computed from stored inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import F

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis.bulk_decisions import COLUMNS, decided
from creativefilter.creatives.analysis.redecision import unpredicted
from creativefilter.creatives.analysis.rule_in_force import rule_of
from creativefilter.creatives.models import DecisionSettings, Prediction

AUTO, REVIEW = Prediction.Decision.AUTO, Prediction.Decision.REVIEW
# Creatives that one query reads, and creatives shown for each change.
BATCH, EXAMPLES = 5_000, 3


@dataclass
class Change:
    """Creatives with the same change: their number, and some of their keys."""

    count: int = 0
    creatives: list[int] = field(default_factory=list)

    def add(self, creative: int) -> None:
        self.count += 1
        if len(self.creatives) < EXAMPLES:
            self.creatives.append(creative)


@dataclass
class Preview:
    """What other settings would change.

    Attributes:
        creatives: Creatives whose decision can be computed from stored inputs.
        automatic_before: How many of them are decided without a person now.
        automatic_after: How many would be.
        to_person: Creatives that would go to a person.
        to_automatic: Creatives that would no longer need a person.
        segments: By segment until now and new segment, the creatives that would change it.
        changed: Creatives that would change segment or decision.
        to_predict: Further creatives that have to be predicted, because their prediction has no
            stored inputs or is missing.
    """

    creatives: int = 0
    automatic_before: int = 0
    automatic_after: int = 0
    to_person: Change = field(default_factory=Change)
    to_automatic: Change = field(default_factory=Change)
    segments: dict[tuple[int | None, int | None], Change] = field(default_factory=dict)
    changed: int = 0
    to_predict: int = 0


def preview(precision: float, mix: Mapping[int, float] | None) -> Preview:
    """Compute what these settings would change; nothing is written.

    Args:
        precision: The target precision, 0 to 1.
        mix: Share by segment number, or None.

    Raises:
        NoActiveModelError: No model version is active.
        ArtefactError: The folder of the active version is damaged.
    """
    chosen = DecisionSettings(precision=precision, mix=dict(mix) if mix else None)
    rule = rule_of(model_versions.active(), chosen)
    found = Preview()
    rows = Prediction.objects.filter(
        model_version=rule.version,
        media=F("creative__current_media"),
        parameters__isnull=False,
        inputs__isnull=False,
    ).order_by("pk")
    last = 0
    while part := list(
        rows.filter(pk__gt=last).values_list("creative", *COLUMNS, named=True)[:BATCH]
    ):
        last = part[-1].pk
        for old, (segment, _probability, decision, *_rest) in zip(
            part, decided(part, rule), strict=True
        ):
            _count(found, old.creative, (old.segment, old.decision), (segment, decision))
    found.to_predict = unpredicted(rule.version, chosen).count()
    return found


def _count(
    found: Preview, creative: int, old: tuple[int | None, str], new: tuple[int | None, str]
) -> None:
    found.creatives += 1
    found.automatic_before += old[1] == AUTO
    found.automatic_after += new[1] == AUTO
    found.changed += old != new
    if (old[1], new[1]) == (AUTO, REVIEW):
        found.to_person.add(creative)
    if (old[1], new[1]) == (REVIEW, AUTO):
        found.to_automatic.add(creative)
    if old[0] != new[0]:
        found.segments.setdefault((old[0], new[0]), Change()).add(creative)
