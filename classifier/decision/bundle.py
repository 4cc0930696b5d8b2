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
from classifier.decision import rule
from classifier.decision.bundle_parts import STARTER, Parts, load_parts
from classifier.decision.rule import LEAST_HELD_OUT, Basis, Inputs, Parameters
from classifier.decision.types import ChannelView, Prediction, SpotFeatures
from classifier.evaluation.figures import Evaluation, evaluate
from classifier.screen import terms
from classifier.segments import columns_of, move_columns, union
from classifier.text.evidence import Evidence
from classifier.text.linear_model import TextModel
from classifier.types import Numbers, Probabilities

if TYPE_CHECKING:
    from classifier.pictures.types import Neighbour

__all__ = ["LEAST_HELD_OUT", "PRECISION", "Bundle"]

PRECISION = 0.95
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
        self._priors = priors
        self._parameters = {precision: Basis.of(parts).parameters(precision, priors)}

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
    def parameters(self) -> Parameters:
        """The parameters of the rule for the bundle's precision and priors."""
        return self._parameters[self.precision]

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
        inputs = self.inputs(features)
        decided = rule.decide(inputs, self.parameters)
        masks, packed = inputs.masks(), inputs.pack()
        by_channel = {
            name: rule.probabilities_of(values) for name, values in inputs.channels.items()
        }
        result = []
        for row, one in enumerate(features):
            if not masks[row]:
                result.append(Prediction({}))
                continue
            least = float(decided.thresholds[row])
            result.append(
                Prediction(
                    self._by_number(decided.probabilities[row]),
                    "auto" if decided.automatic[row] else "review",
                    bool(decided.conflict[row]),
                    self._views(by_channel, row, one, self.numbers[decided.columns[row]], evidence),
                    threshold=least if np.isfinite(least) else None,
                    inputs=packed[row],
                    mask=int(masks[row]),
                )
            )
        return result

    def inputs(self, features: Sequence[SpotFeatures]) -> Inputs:
        """Return what the models compute about creatives, from which the rule decides.

        Raises:
            ValueError: ``features`` is empty.
        """
        opinions = self.parts.opinions(features)
        return Inputs.of(opinions, self.parts.fuse(opinions, features))

    def evaluate(
        self,
        features: Sequence[SpotFeatures],
        segments: Sequence[int],
        families: NDArray[np.integer[Any]] | None = None,
        merged: Mapping[int, int] = MappingProxyType({}),
    ) -> Evaluation:
        """Evaluate the bundle on labelled creatives.

        Args:
            features: The features of each creative.
            segments: The canonical segment number of each creative.
            families: (creatives,); the number of the family of near duplicates of each creative.
            merged: By the number of a merged segment, the segment that its predictions count as.

        Raises:
            ValueError: ``features`` is empty.
        """
        if not features:
            raise ValueError("there is nothing to judge")
        inputs = self.inputs(features)
        # Creatives of segments that the bundle does not predict count as wrong.
        numbers = union(self.numbers, segments, merged.values())

        def automatic(target: float) -> NDArray[np.bool_]:
            return rule.decide(inputs, self._parameters_for(target)).automatic

        decided = rule.decide(inputs, self.parameters).probabilities
        probabilities = move_columns(decided, self.numbers, numbers)
        for number in set(merged) & set(numbers):
            [source, target] = columns_of(numbers, [number, merged[number]])
            probabilities[:, target] += probabilities[:, source]
            probabilities[:, source] = 0.0
        probabilities[np.isnan(decided[:, 0])] = np.nan
        return evaluate(probabilities, columns_of(numbers, segments), numbers, automatic, families)

    def threshold(self, mask: int, precision: float | None = None) -> float | None:
        """Return the threshold for creatives with these channels.

        Args:
            mask: The channels, as in ``Opinions.masks``.
            precision: The wanted precision; by default that of the bundle.

        Returns:
            The smallest probability for a decision without review, or ``None`` if it was not
            measured or no probability is high enough, so that a person has to look.
        """
        target = self.precision if precision is None else precision
        return self._parameters_for(target).threshold(mask)

    def _parameters_for(self, precision: float) -> Parameters:
        if precision not in self._parameters:
            chosen = Basis.of(self.parts).parameters(precision, self._priors)
            self._parameters[precision] = chosen
        return self._parameters[precision]

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
