"""A bundle: everything that decides on a creative, as one model folder.

It holds a text model for the words of speech and screen; a classifier of pictures and a stack where
there were labels to learn from; the weights of the channels; and held-out probabilities, from which
thresholds are chosen. Needs numpy alone unless it holds neural channels; several can be loaded side
by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact
from classifier.channels import PICTURES, SCREEN, SPEECH
from classifier.decision import fusion as fusing
from classifier.decision.bundle_parts import STARTER, Parts, load_parts
from classifier.decision.fusion import Opinions
from classifier.decision.types import ChannelView, Prediction, SpotFeatures
from classifier.evaluation.figures import Evaluation, evaluate
from classifier.evaluation.metrics import threshold_for
from classifier.screen import terms
from classifier.segments import NUMBERS
from classifier.text.evidence import Evidence
from classifier.text.linear_model import TextModel, prior_factors
from classifier.types import Probabilities

if TYPE_CHECKING:
    from classifier.pictures.types import Neighbour

PRECISION = 0.95
# With fewer creatives held out a threshold is luck.
LEAST_HELD_OUT = 50
_MOST_EVIDENCE = 6


class Bundle:
    """Predicts and explains. ``precision`` and ``priors`` say what decides by itself."""

    def __init__(
        self,
        parts: Parts,
        artefact: Artefact | None = None,
        precision: float = PRECISION,
        priors: Mapping[int, float] | None = None,
    ) -> None:
        """``precision``: of the decisions that no person looks at. ``priors``: how often each
        segment number occurs where the creatives come from, in any unit; without them, as often
        as in the training data. Raises ``ValueError`` for priors as ``prior_factors`` does.
        """
        self.parts = parts
        self.artefact = artefact
        self.precision = precision
        self._thresholds: dict[float, dict[int, float | None]] = {}
        self._factors = np.ones(len(NUMBERS))
        if priors is not None:
            known = parts.shares > 0
            numbers = np.array(NUMBERS)[known]
            self._factors[known] = prior_factors(numbers, parts.shares[known], priors)

    @classmethod
    def load(
        cls,
        folder: Path = STARTER,
        precision: float = PRECISION,
        priors: Mapping[int, float] | None = None,
    ) -> Bundle:
        """Read a model folder; raises ``ArtefactError`` unless it is whole and of this format."""
        artefact, parts = load_parts(folder)
        return cls(parts, artefact, precision, priors)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the manifest says of its making; empty for a bundle that was not saved."""
        return self.artefact.facts if self.artefact else MappingProxyType({})

    @property
    def encoder(self) -> str:
        """The `PictureEncoder.name` of the vectors that it wants; "" for none."""
        return self.parts.pictures.encoder if self.parts.pictures else ""

    def predict(self, features: Sequence[SpotFeatures], evidence: bool = True) -> list[Prediction]:
        """One prediction for each creative, in their order.

        Without ``evidence`` (whose finding takes most of the time) channels carry probabilities
        alone.
        """
        if not features:
            return []
        opinions = self.parts.opinions(features)
        fused = self.weighed(self.parts.fuse(opinions, features))
        contradicted = self._contradicted(opinions, fused)
        masks = opinions.masks()
        said = {channel: opinions.says(channel) for channel in opinions.probabilities}
        automatic = self._automatic(fused, masks, contradicted, self.precision)
        result = []
        for row, one in enumerate(features):
            if not masks[row]:
                result.append(Prediction({}))
                continue
            result.append(
                Prediction(
                    _by_number(fused[row]),
                    "auto" if automatic[row] else "review",
                    bool(contradicted[row]),
                    self._views(said, row, one, NUMBERS[fused[row].argmax()], evidence),
                )
            )
        return result

    def evaluate(
        self,
        features: Sequence[SpotFeatures],
        segments: Sequence[int],
        families: NDArray[np.integer[Any]] | None = None,
    ) -> Evaluation:
        """Figures on labelled creatives: ``segments`` are their canonical numbers, ``families``
        those of near duplicates. Raises ``ValueError`` when there are none."""
        if not features:
            raise ValueError("there is nothing to judge")
        opinions = self.parts.opinions(features)
        fused = self.weighed(self.parts.fuse(opinions, features))
        contradicted = self._contradicted(opinions, fused)

        def automatic(target: float) -> NDArray[np.bool_]:
            return self._automatic(fused, opinions.masks(), contradicted, target)

        return evaluate(fused, np.searchsorted(NUMBERS, segments), automatic, families)

    def _contradicted(self, opinions: Opinions, fused: Probabilities) -> NDArray[np.bool_]:
        """Priors move all channels alike: what they moved contradicts nothing."""
        moved = {name: self.weighed(opinions.says(name)) for name in opinions.probabilities}
        return fusing.conflicts(Opinions(moved), fused, self.parts.fusion)

    def _automatic(
        self,
        fused: Probabilities,
        masks: NDArray[np.uint8],
        contradicted: NDArray[np.bool_],
        precision: float,
    ) -> NDArray[np.bool_]:
        least = {mask: self.threshold(mask, precision) for mask in np.unique(masks).tolist()}
        needed = [np.inf if (one := least[mask]) is None else one for mask in masks.tolist()]
        result: NDArray[np.bool_] = (np.nan_to_num(fused).max(axis=1) >= needed) & ~contradicted
        return result

    def threshold(self, mask: int, precision: float | None = None) -> float | None:
        """From which probability on creatives with these channels decide by themselves.

        Chosen on what was held out with the same channels, or with some of them, whatever asks
        for more; ``None`` where that was never measured: then a person has to look.
        ``precision``: another than that of this bundle.
        """
        asked = self.precision if precision is None else precision
        if asked not in self._thresholds:
            self._thresholds[asked] = self._measured_thresholds(asked)
        measured = self._thresholds[asked]
        if mask in measured:
            return measured[mask]
        within = [least for known, least in measured.items() if known & mask == known]
        if not within or None in within:
            return None
        return max(least for least in within if least is not None)

    def _measured_thresholds(self, precision: float) -> dict[int, float | None]:
        held = self.parts.held_out
        probabilities = self.weighed(held.probabilities.astype(np.float64))
        right = probabilities.argmax(axis=1) == held.columns
        found: dict[int, float | None] = {}
        for mask in np.unique(held.masks).tolist():
            rows = held.masks == mask
            if rows.sum() >= LEAST_HELD_OUT:
                weights = self._factors[held.columns[rows]]
                sure = probabilities[rows].max(axis=1)
                found[mask] = threshold_for(sure, right[rows], precision, weights)
        return found

    def weighed(self, probabilities: Probabilities) -> Probabilities:
        """Probabilities (creatives, 18) as in training, moved to the priors of this bundle."""
        weighed = probabilities * self._factors
        result: Probabilities = weighed / weighed.sum(axis=1, keepdims=True)
        return result

    def _views(
        self,
        said: Mapping[str, Probabilities],
        row: int,
        one: SpotFeatures,
        segment: int,
        evidence: bool,
    ) -> tuple[ChannelView, ...]:
        views = []
        for channel, probabilities in said.items():
            if np.isnan(probabilities[row, 0]):
                continue
            words: tuple[Evidence, ...] = ()
            alike: tuple[Neighbour, ...] = ()
            if evidence and channel == PICTURES:
                alike = self._neighbours(one)
            elif evidence:
                words = self._words(one, channel, NUMBERS[probabilities[row].argmax()])
            views.append(ChannelView(channel, _by_number(probabilities[row]), words, alike))
        return tuple(sorted(views, key=lambda view: -view.probabilities[segment]))

    def _words(self, one: SpotFeatures, channel: str, segment: int) -> tuple[Evidence, ...]:
        model = self.parts.text
        if not isinstance(model, TextModel) or segment not in model.parameters.numbers:
            return terms.evidence(one.screen, segment) if channel == SCREEN else ()
        if channel == SPEECH:
            return model.explain(one.speech, segment)
        named = terms.evidence(one.screen, segment)
        phrases = [
            phrase
            for phrase in model.explain(one.screen, segment)
            if not any(word.start < phrase.end and phrase.start < word.end for word in named)
        ]
        return (*named, *phrases)[:_MOST_EVIDENCE]

    def _neighbours(self, one: SpotFeatures) -> tuple[Neighbour, ...]:
        from classifier.pictures.nearest_neighbours import NearestNeighbours

        classifier = self.parts.pictures
        if not isinstance(classifier, NearestNeighbours):
            return ()
        return classifier.neighbours(one.vectors[classifier.encoder][None])[0]


def _by_number(row: NDArray[np.float64]) -> dict[int, float]:
    return dict(zip(NUMBERS, row.tolist(), strict=True))
