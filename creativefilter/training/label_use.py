"""Which labels a training used, and why it did not use the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from creativefilter.training.facts import facts_of
from creativefilter.training.figure_tables import segment_titles

if TYPE_CHECKING:
    from creativefilter.creatives.models import ModelVersion


@dataclass(frozen=True, slots=True)
class LabelUse:
    """How many labelled creatives a training used, and why it did not use the others.

    Attributes:
        used: Creatives that the version was trained on.
        exam: Creatives of the exam set and their near duplicates, by which versions are compared.
        not_analysed: Creatives without a result of any channel.
        without_evidence: Analysed creatives without speech, text on the screen or a picture vector
            that the version uses.
        contradicted: Creatives with the same text as others that have another label.
        rare: Creatives of segments with too few labels, by the number of the segment.
        least: So many labels such a segment needed.
    """

    used: int
    exam: int = 0
    not_analysed: int = 0
    without_evidence: int = 0
    contradicted: int = 0
    rare: Mapping[int, int] = field(default_factory=dict)
    least: int = 1

    @classmethod
    def of(cls, version: ModelVersion) -> LabelUse:
        """Return the label use of a version, from its manifest and its row.

        Raises:
            KeyError: The version is of release 0.2 or older.
        """
        facts, counted = facts_of(version), version.metrics.get("labels", {})
        left_out = facts["left_out"]
        return cls(
            used=int(facts["training"]["creatives"]),
            exam=int(left_out["exam"]),
            not_analysed=int(counted.get("not_analysed", 0)),
            without_evidence=int(left_out["without_evidence"]),
            contradicted=int(left_out["contradicted"]),
            rare={int(number): int(count) for number, count in left_out["rare"].items()},
            least=int(facts["origin"]["least_labels"]),
        )

    @property
    def labels(self) -> int:
        counts = (self.used, self.exam, self.not_analysed, self.without_evidence)
        return sum(counts) + self.contradicted + sum(self.rare.values())

    def __str__(self) -> str:
        """The numbers as sentences in the active language."""
        sentences = [
            _("Labels used: %(used)d of %(all)d.") % {"used": self.used, "all": self.labels}
        ]
        reasons = (
            (self.exam, _("In the exam set, by which versions are compared: %d.")),
            (self.not_analysed, _("Creatives that are not analysed yet: %d.")),
            (
                self.without_evidence,
                _("Creatives without speech, text on the screen or pictures that are used: %d."),
            ),
            (
                self.contradicted,
                _("Creatives with the same text as others that have another label: %d."),
            ),
        )
        sentences += [sentence % count for count, sentence in reasons if count]
        titles = segment_titles(list(self.rare))
        sentences += [
            _("Too few labels of the segment %(segment)s: %(count)d of %(least)d.")
            % {
                "segment": titles[number],
                "count": count,
                "least": self.least,
            }
            for number, count in self.rare.items()
        ]
        return " ".join(sentences)
