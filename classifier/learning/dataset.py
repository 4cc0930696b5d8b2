"""Labelled creatives made ready for learning: sorted into families, parted into folds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifier.decision.types import SpotFeatures
from classifier.segments import NUMBERS
from classifier.text.families import families, merge_families
from classifier.text.training import FOLDS

HOLD_OUT = 5
"""One part in this many of the families measures."""
LEAST_CREATIVES = 50
LEAST_FAMILIES = 4 * FOLDS


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled creative: what it is called, its canonical segment, what is known of it.

    ``family`` is the number of those that look or sound like it, None where there are none.
    """

    id: str
    segment: int
    features: SpotFeatures
    family: int | None = None


class TooFewError(ValueError):
    """Nothing can be learned from so few labelled creatives; the numbers say how few."""

    def __init__(self, creatives: int, segments: int, families: int) -> None:
        super().__init__(
            f"{creatives} labelled creatives of {segments} segments, {families} without near "
            f"duplicates: at least {LEAST_CREATIVES} of two segments are needed, with words or "
            f"pictures, {LEAST_FAMILIES} of them without near duplicates"
        )
        self.creatives = creatives
        self.segments = segments
        self.families = families


@dataclass(frozen=True, slots=True)
class Table:
    """Examples with their places in ``NUMBERS``, families and folds, all (creatives,)."""

    examples: Sequence[Example]
    columns: NDArray[np.int64]
    families: NDArray[np.int64]
    seed: int

    @classmethod
    def of(cls, dataset: Sequence[Example], encoder: str, seed: int) -> Table:
        """Those creatives of which words or the vectors of ``encoder`` are known.

        Raises ``TooFewError``.
        """
        useful = [one for one in dataset if _says_something(one.features, encoder)]
        segments = len({one.segment for one in useful})
        found = np.zeros(0, np.int64)
        if useful:
            found = families_of([one.features for one in useful], [one.family for one in useful])
        count = len(np.unique(found))
        if len(useful) < LEAST_CREATIVES or segments < 2 or count < LEAST_FAMILIES:
            raise TooFewError(len(useful), segments, count)
        columns = np.searchsorted(NUMBERS, [one.segment for one in useful])
        return cls(useful, columns, found, seed)

    @property
    def features(self) -> list[SpotFeatures]:
        return [one.features for one in self.examples]

    def only(self, chosen: NDArray[np.bool_]) -> Table:
        examples = [one for one, there in zip(self.examples, chosen, strict=True) if there]
        return replace(
            self,
            examples=examples,
            columns=self.columns[chosen],
            families=np.unique(self.families[chosen], return_inverse=True)[1],
        )

    def hold_out(self) -> NDArray[np.bool_]:
        """Which creatives measure and teach nothing, (creatives,)."""
        result: NDArray[np.bool_] = self._parts(HOLD_OUT) == 0
        return result

    def folds(self) -> NDArray[np.int64]:
        """The fold of each creative, (creatives,); families stay together."""
        return self._parts(FOLDS)

    def _parts(self, count: int) -> NDArray[np.int64]:
        """Parts that hold whole families, with each segment as evenly as can be."""
        from sklearn.model_selection import StratifiedGroupKFold

        folds = StratifiedGroupKFold(count, shuffle=True, random_state=self.seed)
        result = np.zeros(len(self.columns), np.int64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # segments rarer than there are parts
            for number, (_, inside) in enumerate(
                folds.split(self.columns, self.columns, self.families)
            ):
                result[inside] = number
        return result


def families_of(features: Sequence[SpotFeatures], known: Sequence[int | None]) -> NDArray[np.int64]:
    """The family of near duplicates of each creative: by what is said and shown in words, and by
    the families of pictures and sounds that are ``known``, (creatives,), None for none.

    One without words is, as far as words tell, a family of its own.
    """
    texts = [f"{one.speech}\n{one.screen}".strip() for one in features]
    found = families(texts)
    wordless = [row for row, text in enumerate(texts) if not text]
    found[wordless] = found.max() + 1 + np.arange(len(wordless))
    return merge_families(found.tolist(), known)


def _says_something(features: SpotFeatures, encoder: str) -> bool:
    return bool(features.speech or features.screen or encoder in features.vectors)
