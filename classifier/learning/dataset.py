"""Labelled creatives prepared for training: with families and folds."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classifier.decision.types import SpotFeatures
from classifier.segments import columns_of, union
from classifier.text import families as text_families
from classifier.text.families import fingerprints, grouped_folds, merge_families
from classifier.text.training import FOLDS
from classifier.types import Numbers

LEAST_CREATIVES = 50
LEAST_FAMILIES = 4 * FOLDS
LEAST_OTHERS = 3
"""So many families are outside the most frequent segment, so that several folds have one."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled creative: its identifier, its canonical segment and its features.

    ``family``: the number of its family by pictures and sound, None if it has none. ``exam``:
    whether it belongs to the exam set, of which nothing is learned.
    """

    id: str
    segment: int
    features: SpotFeatures
    family: int | None = None
    exam: bool = False


def digest_of(identifier: str) -> int:
    """Return the first 8 bytes of the sha256 of "creative:" and the identifier, as a number.

    A bundle stores those of its training creatives.
    """
    digest = hashlib.sha256(f"creative:{identifier}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Labelled creatives that a training does not use, counted by the reason.

    ``without_evidence``: without speech, text on the screen or a usable picture vector. ``exam``:
    in a family with a creative of the exam set. ``contradicted``: with the same text as others that
    have another label, and not in the majority. ``rare``: by segment, those of segments with too
    few labels.
    """

    without_evidence: int = 0
    exam: int = 0
    contradicted: int = 0
    rare: Mapping[int, int] = field(default_factory=dict)


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
    """The examples to train on, with segments and families; arrays are (creatives,).

    ``numbers``: the segments, ascending. ``columns``: the index of the segment in ``numbers``.
    ``families``: family numbers. ``seed``: of the random splits. ``left_out``: the other labelled
    creatives.
    """

    examples: Sequence[Example]
    numbers: Numbers
    columns: NDArray[np.int64]
    families: NDArray[np.int64]
    seed: int
    left_out: LeftOut

    @classmethod
    def of(
        cls,
        dataset: Sequence[Example],
        encoder: str,
        seed: int,
        numbers: Numbers = (),
        least_labels: int = 1,
        families: NDArray[np.int64] | None = None,
    ) -> Table:
        """Return a table of the creatives to train on.

        Args:
            dataset: Labelled creatives.
            encoder: The name of the encoder of the picture vectors.
            seed: The seed of the random splits.
            numbers: The segments that the teachers have learned.
            least_labels: The least number of labelled creatives of any other segment.
            families: The family of each creative of ``dataset``, (creatives,); by default the
                result of ``families_of``.

        Raises:
            TooFewError: There are too few creatives or families.
        """
        has_evidence = [_has_evidence(one.features, encoder) for one in dataset]
        useful = [one for one, has in zip(dataset, has_evidence, strict=True) if has]
        found = np.zeros(0, np.int64)
        if families is not None:
            found = families[np.array(has_evidence, np.bool_)]
        elif useful:
            found = families_of([one.features for one in useful], [one.family for one in useful])
        segments = np.array([one.segment for one in useful], np.int64)
        exam = np.isin(found, found[np.array([one.exam for one in useful], np.bool_)])
        counts = Counter(segments.tolist())
        too_few = [
            number
            for number, count in counts.items()
            if number not in numbers and count < least_labels
        ]
        is_rare = ~exam & np.isin(segments, too_few)
        contradicted = ~exam & ~is_rare & _contradicted(useful)
        taught = ~(exam | is_rare | contradicted)
        left_out = LeftOut(
            without_evidence=len(dataset) - len(useful),
            exam=int(exam.sum()),
            contradicted=int(contradicted.sum()),
            rare=dict(sorted(Counter(segments[is_rare].tolist()).items())),
        )
        examples = [useful[row] for row in np.flatnonzero(taught).tolist()]
        known = union(segments[taught].tolist(), numbers)
        columns = columns_of(known, segments[taught])
        _check_size(columns, found[taught])
        return cls(examples, known, columns, found[taught], seed, left_out)

    @property
    def features(self) -> list[SpotFeatures]:
        return [one.features for one in self.examples]

    @property
    def digests(self) -> NDArray[np.uint64]:
        """The digest of each creative, (creatives,)."""
        return np.array([digest_of(one.id) for one in self.examples], np.uint64)

    @property
    def family_count(self) -> int:
        return len(np.unique(self.families))

    def folds(self) -> NDArray[np.int64]:
        """Return the fold of each creative, (creatives,).

        Families stay together, and segments are stratified.
        """
        return grouped_folds(self.columns, self.families, FOLDS, self.seed)


def _check_size(columns: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """Raise ``TooFewError`` for too few creatives or families; both arrays are (creatives,)."""
    most_frequent = np.bincount(columns, minlength=1).argmax()
    count, others = len(np.unique(found)), len(np.unique(found[columns != most_frequent]))
    if len(columns) < LEAST_CREATIVES or count < LEAST_FAMILIES or others < LEAST_OTHERS:
        raise TooFewError(len(columns), count, others)


def _contradicted(examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Return which creatives have another label than most with the same text, (creatives,).

    If two labels are equally frequent for a text, all of its creatives are contradicted.
    """
    texts = [f"{one.features.speech}{one.features.screen}" for one in examples]
    rows_of = defaultdict(list)
    wordless = fingerprints([""])[0]
    for row, fingerprint in enumerate(fingerprints(texts).tolist()):
        if fingerprint != wordless:
            rows_of[fingerprint].append(row)
    result = np.zeros(len(examples), np.bool_)
    for rows in rows_of.values():
        counts = Counter(examples[row].segment for row in rows).most_common()
        if len(counts) == 1:
            continue
        [(segment, most), (_, second), *_] = counts
        for row in rows:
            result[row] = most == second or examples[row].segment != segment
    return result


def families_of(features: Sequence[SpotFeatures], known: Sequence[int | None]) -> NDArray[np.int64]:
    """Return the family of near duplicates of each creative, (creatives,).

    Families by speech and screen text are merged with those of pictures and sound. A creative
    without words belongs to no family by text.

    Args:
        features: The features of each creative.
        known: The family number of each creative by pictures and sound; None if it has none.
    """
    texts = [f"{one.speech}\n{one.screen}".strip() for one in features]
    found = text_families.families(texts)
    wordless = [row for row, text in enumerate(texts) if not text]
    found[wordless] = found.max() + 1 + np.arange(len(wordless))
    return merge_families(found.tolist(), known)


def _has_evidence(features: SpotFeatures, encoder: str) -> bool:
    return bool(features.speech or features.screen or encoder in features.vectors)
