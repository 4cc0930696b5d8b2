"""The bundle: all models that predict the segment of a creative, as one model folder.

A bundle has a text model for speech and screen text; a picture classifier and a stack if they were
trained; the weights of the channels; and held-out probabilities, from which thresholds are chosen.
A bundle needs only numpy unless it has a transformer, a CatBoost classifier or a stack. Several
bundles can be loaded side by side.
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
from classifier.segments import columns_of, move_columns, union
from classifier.text.evidence import Evidence
from classifier.text.linear_model import TextModel, prior_factors
from classifier.types import Numbers, Probabilities

if TYPE_CHECKING:
    from classifier.pictures.types import Neighbour

PRECISION = 0.95
# A threshold chosen on fewer held-out creatives would be a matter of luck.
LEAST_HELD_OUT = 50
_MOST_EVIDENCE = 6


class Bundle:
    """Predicts segments, with evidence and a decision whether a person has to look."""

    def __init__(
        self,
        parts: Parts,
        artefact: Artefact | None = None,
        precision: float = PRECISION,
        priors: Mapping[int, float] | None = None,
    ) -> None:
        """Combine trained parts with a target precision and priors.

        Args:
            parts: The trained parts.
            artefact: The model folder that the parts come from.
            precision: The wanted precision of decisions without review, 0 to 1.
            priors: By segment number, how frequent it is among the creatives to be classified, in
                any unit. Segments that are not listed, and all without priors, are as frequent as
                in the training data.

        Raises:
            ValueError: A prior is negative or not finite, or all are 0; see ``prior_factors``.
        """
        self.parts = parts
        self.artefact = artefact
        self.precision = precision
        self._thresholds: dict[float, dict[int, float | None]] = {}
        self._factors = np.ones(len(parts.numbers))
        known = (parts.shares > 0) & np.isin(parts.numbers, list(priors or ()))
        if priors is not None and known.any():
            numbers, shares = np.array(parts.numbers)[known], parts.shares[known]
            self._factors[known] = prior_factors(numbers, shares / shares.sum(), priors)

    @classmethod
    def load(
        cls,
        folder: Path = STARTER,
        precision: float = PRECISION,
        priors: Mapping[int, float] | None = None,
    ) -> Bundle:
        """Read the bundle of a model folder; ``precision`` and ``priors`` as in ``__init__``.

        Raises:
            ArtefactError: The folder is damaged or of another format.
            ValueError: The priors are unusable, as in ``__init__``.
        """
        artefact, parts = load_parts(folder)
        return cls(parts, artefact, precision, priors)

    @property
    def facts(self) -> Mapping[str, Any]:
        """The manifest's facts about the training; empty for a bundle that was not saved."""
        return self.artefact.facts if self.artefact else MappingProxyType({})

    @property
    def numbers(self) -> Numbers:
        """The segments that the bundle predicts, ascending."""
        return self.parts.numbers

    @property
    def encoder(self) -> str:
        """The `PictureEncoder.name` whose vectors the bundle needs; "" for none."""
        return self.parts.pictures.encoder if self.parts.pictures else ""

    def predict(self, features: Sequence[SpotFeatures], evidence: bool = True) -> list[Prediction]:
        """Return one prediction for each creative, in the order of ``features``.

        Without ``evidence``, which takes most of the time, channels have probabilities only.
        """
        if not features:
            return []
        opinions = self.parts.opinions(features)
        fused = self.apply_priors(self.parts.fuse(opinions, features))
        conflicts = self._conflicts(opinions, fused)
        masks = opinions.masks()
        by_channel = {channel: opinions.for_channel(channel) for channel in opinions.probabilities}
        automatic = self._is_automatic(fused, masks, conflicts, self.precision)
        result = []
        for row, one in enumerate(features):
            if not masks[row]:
                result.append(Prediction({}))
                continue
            result.append(
                Prediction(
                    self._by_number(fused[row]),
                    "auto" if automatic[row] else "review",
                    bool(conflicts[row]),
                    self._views(by_channel, row, one, self.numbers[fused[row].argmax()], evidence),
                )
            )
        return result

    def evaluate(
        self,
        features: Sequence[SpotFeatures],
        segments: Sequence[int],
        families: NDArray[np.integer[Any]] | None = None,
    ) -> Evaluation:
        """Evaluate the bundle on labelled creatives.

        Args:
            features: The features of each creative.
            segments: The canonical segment number of each creative.
            families: (creatives,); the number of the family of near duplicates of each creative.

        Raises:
            ValueError: ``features`` is empty.
        """
        if not features:
            raise ValueError("there is nothing to judge")
        opinions = self.parts.opinions(features)
        fused = self.apply_priors(self.parts.fuse(opinions, features))
        conflicts = self._conflicts(opinions, fused)
        # Creatives of segments that the bundle does not predict count as wrong.
        numbers = union(self.numbers, segments)

        def automatic(target: float) -> NDArray[np.bool_]:
            return self._is_automatic(fused, opinions.masks(), conflicts, target)

        probabilities = move_columns(fused, self.numbers, numbers)
        probabilities[np.isnan(fused[:, 0])] = np.nan
        return evaluate(probabilities, columns_of(numbers, segments), numbers, automatic, families)

    def _conflicts(self, opinions: Opinions, fused: Probabilities) -> NDArray[np.bool_]:
        """Return which creatives have a conflict.

        The priors are applied to every channel, so that they alone never cause a conflict.
        """
        with_priors = {
            name: self.apply_priors(opinions.for_channel(name)) for name in opinions.probabilities
        }
        weighed = Opinions(self.numbers, with_priors, known=opinions.known)
        return fusing.conflicts(weighed, fused, self.parts.fusion)

    def _is_automatic(
        self,
        fused: Probabilities,
        masks: NDArray[np.uint8],
        conflicts: NDArray[np.bool_],
        precision: float,
    ) -> NDArray[np.bool_]:
        least = {mask: self.threshold(mask, precision) for mask in np.unique(masks).tolist()}
        needed = [np.inf if (one := least[mask]) is None else one for mask in masks.tolist()]
        result: NDArray[np.bool_] = (np.nan_to_num(fused).max(axis=1) >= needed) & ~conflicts
        return result

    def threshold(self, mask: int, precision: float | None = None) -> float | None:
        """Return the threshold for creatives with these channels.

        The threshold is chosen on held-out creatives with the same channels. If there are too few,
        it is the highest threshold of all measured subsets of the channels.

        Args:
            mask: The channels, as in ``Opinions.masks``.
            precision: The wanted precision; by default that of the bundle.

        Returns:
            The smallest probability for a decision without review, or ``None`` if it was not
            measured or no probability is high enough, so that a person has to look.
        """
        target = self.precision if precision is None else precision
        if target not in self._thresholds:
            self._thresholds[target] = self._compute_thresholds(target)
        measured = self._thresholds[target]
        if mask in measured:
            return measured[mask]
        within = [least for known, least in measured.items() if known & mask == known]
        if not within or None in within:
            return None
        return max(least for least in within if least is not None)

    def _compute_thresholds(self, precision: float) -> dict[int, float | None]:
        held = self.parts.held_out
        probabilities = self.apply_priors(held.probabilities.astype(np.float64))
        correct = probabilities.argmax(axis=1) == held.columns
        found: dict[int, float | None] = {}
        for mask in np.unique(held.masks).tolist():
            rows = held.masks == mask
            if rows.sum() >= LEAST_HELD_OUT:
                weights = self._factors[held.columns[rows]]
                confidence = probabilities[rows].max(axis=1)
                found[mask] = threshold_for(confidence, correct[rows], precision, weights)
        return found

    def apply_priors(self, probabilities: Probabilities) -> Probabilities:
        """Return probabilities, (creatives, segments), moved from the training shares to priors."""
        weighted = probabilities * self._factors
        total = weighted.sum(axis=1, keepdims=True)
        # Priors that exclude all segments of a channel say nothing about it.
        possible = np.where(total > 0, total, 1.0)
        result: Probabilities = np.where(total > 0, weighted / possible, probabilities)
        return result

    def _views(
        self,
        by_channel: Mapping[str, Probabilities],
        row: int,
        one: SpotFeatures,
        segment: int,
        evidence: bool,
    ) -> tuple[ChannelView, ...]:
        views = []
        for channel, probabilities in by_channel.items():
            if np.isnan(probabilities[row, 0]):
                continue
            words: tuple[Evidence, ...] = ()
            alike: tuple[Neighbour, ...] = ()
            if evidence and channel == PICTURES:
                alike = self._neighbours(one)
            elif evidence:
                words = self._text_evidence(one, channel, self.numbers[probabilities[row].argmax()])
            views.append(ChannelView(channel, self._by_number(probabilities[row]), words, alike))
        return tuple(sorted(views, key=lambda view: -view.probabilities[segment]))

    def _text_evidence(self, one: SpotFeatures, channel: str, segment: int) -> tuple[Evidence, ...]:
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

    def _by_number(self, row: NDArray[np.float64]) -> dict[int, float]:
        return dict(zip(self.numbers, row.tolist(), strict=True))
