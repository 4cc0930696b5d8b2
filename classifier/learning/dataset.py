"""Labelled creatives prepared for training: with families and folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifier.decision.types import SpotFeatures
from classifier.segments import columns_of, union
from classifier.text.families import families, grouped_folds, merge_families
from classifier.text.training import FOLDS
from classifier.types import Numbers

HOLD_OUT = 5
"""One in this many families is held out for evaluation."""
LEAST_CREATIVES = 50
LEAST_FAMILIES = 4 * FOLDS
LEAST_OTHERS = 3
"""So many families are outside the most frequent segment: one is held out, one is in each part."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled creative: its identifier, its canonical segment and its features.

    ``family``: the number of its family by pictures and sound, None if it has none.
    """

    id: str
    segment: int
    features: SpotFeatures
    family: int | None = None


class TooFewError(ValueError):
    """There are too few labelled creatives for training.

    ``creatives``: those with words or a picture vector. ``families``: their families of near
    duplicates. ``others``: the families outside the most frequent segment.
    """

    def __init__(self, creatives: int, families: int, others: int) -> None:
        super().__init__(
            f"{creatives} labelled creatives with words or pictures, in {families} families of "
            f"near duplicates, {others} of them outside the most frequent segment: at least "
            f"{LEAST_CREATIVES}, {LEAST_FAMILIES} and {LEAST_OTHERS} are needed"
        )
        self.creatives = creatives
        self.families = families
        self.others = others


@dataclass(frozen=True, slots=True)
class Table:
    """Examples with segments and families; arrays are (creatives,).

    ``numbers``: the segments, ascending. ``columns``: the index of the segment in ``numbers``.
    ``families``: family numbers from 0. ``seed``: of the random splits.
    """

    examples: Sequence[Example]
    numbers: Numbers
    columns: NDArray[np.int64]
    families: NDArray[np.int64]
    seed: int

    @classmethod
    def of(
        cls, dataset: Sequence[Example], encoder: str, seed: int, numbers: Numbers = ()
    ) -> Table:
        """Return a table of the creatives with words or with a picture vector of ``encoder``.

        Args:
            dataset: Labelled creatives.
            encoder: The name of the encoder of the picture vectors.
            seed: The seed of the random splits.
            numbers: Segments to add to those of the creatives.

        Raises:
            TooFewError: There are too few creatives or families.
        """
        useful = [one for one in dataset if _has_evidence(one.features, encoder)]
        segments = [one.segment for one in useful]
        numbers = union(segments, numbers)
        columns = columns_of(numbers, segments)
        found = np.zeros(0, np.int64)
        if useful:
            found = families_of([one.features for one in useful], [one.family for one in useful])
        most_frequent = np.bincount(columns, minlength=1).argmax()
        count, others = len(np.unique(found)), len(np.unique(found[columns != most_frequent]))
        if len(useful) < LEAST_CREATIVES or count < LEAST_FAMILIES or others < LEAST_OTHERS:
            raise TooFewError(len(useful), count, others)
        return cls(useful, numbers, columns, found, seed)

    @property
    def features(self) -> list[SpotFeatures]:
        return [one.features for one in self.examples]

    def only(self, chosen: NDArray[np.bool_]) -> Table:
        """Return a table of the examples in the mask ``chosen``, (creatives,)."""
        examples = [one for one, is_chosen in zip(self.examples, chosen, strict=True) if is_chosen]
        return replace(
            self,
            examples=examples,
            columns=self.columns[chosen],
            families=np.unique(self.families[chosen], return_inverse=True)[1],
        )

    def hold_out(self) -> NDArray[np.bool_]:
        """Return the mask of creatives held out for evaluation, (creatives,), by whole families."""
        result: NDArray[np.bool_] = self._parts(HOLD_OUT) == 0
        return result

    def folds(self) -> NDArray[np.int64]:
        """Return the fold of each creative, (creatives,); families stay together."""
        return self._parts(FOLDS)

    def _parts(self, count: int) -> NDArray[np.int64]:
        """Return the part of each creative; families stay together and segments are stratified."""
        return grouped_folds(self.columns, self.families, count, self.seed)


def families_of(features: Sequence[SpotFeatures], known: Sequence[int | None]) -> NDArray[np.int64]:
    """Return the family of near duplicates of each creative, (creatives,).

    Families by speech and screen text are merged with those of pictures and sound. A creative
    without words belongs to no family by text.

    Args:
        features: The features of each creative.
        known: The family number of each creative by pictures and sound; None if it has none.
    """
    texts = [f"{one.speech}\n{one.screen}".strip() for one in features]
    found = families(texts)
    wordless = [row for row, text in enumerate(texts) if not text]
    found[wordless] = found.max() + 1 + np.arange(len(wordless))
    return merge_families(found.tolist(), known)


def _has_evidence(features: SpotFeatures, encoder: str) -> bool:
    return bool(features.speech or features.screen or encoder in features.vectors)
