"""A nearest-neighbours classifier: the most similar labelled creatives vote. Needs numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError
from classifier.pictures.classifier_folder import checked, written
from classifier.pictures.types import Features, Neighbour
from classifier.segments import columns_of, union
from classifier.types import Numbers, Probabilities

# How many creatives vote, and how similarity weighs the votes: similarity ** POWER. There were no
# labelled real videos. On generated vectors, macro-F1 stayed within 0.05 for 10 to 20 voters and
# powers of 8 to 16. Vectors of one encoder lie close together, with cosines of 0.7 to 1: with a
# power of 16, 0.95 counts six times as much as 0.85.
NEIGHBOURS = 10
POWER = 16
# Probability spread evenly over the segments with examples: ten voters can't distinguish "rare"
# from "never".
FLOOR = 0.05

_INDEX = "index.npz"
_BATCH = 256


def train(
    features: Features, segments: NDArray[np.int64], ids: Sequence[str], encoder: str
) -> NearestNeighbours:
    """Keep labelled vectors as the index; see `classifiers.train_picture_classifier`.

    Args:
        features: float32 (n, dimension).
        segments: Canonical numbers, (n,).
        ids: Names of the n creatives.
        encoder: Name of the `PictureEncoder` of the vectors.
    """
    return NearestNeighbours(encoder, _unit(features), segments, tuple(ids))


def load(artefact: Artefact) -> NearestNeighbours:
    """Load the index of a verified folder; see `classifiers.load_picture_classifier`.

    Raises:
        ArtefactError: The arrays can't be read or don't fit together.
    """
    arrays = artefact.arrays(_INDEX)
    try:
        features = checked(arrays["features"], int(artefact.facts["dimension"]))
        segments = arrays["segments"].astype(np.int64)
        ids = tuple(arrays["ids"].tolist())
        encoder = str(artefact.facts["encoder"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError(artefact.folder, f"{_INDEX} cannot be used: {error}") from error
    if not len(features) == len(segments) == len(ids) or not len(ids):
        raise ArtefactError(artefact.folder, f"the arrays of {_INDEX} do not fit together")
    return NearestNeighbours(encoder, features, segments, ids)


@dataclass(frozen=True, slots=True, eq=False)
class NearestNeighbours:
    """The `PictureClassifier` that can name its examples.

    Attributes:
        encoder: Name of the `PictureEncoder` of the vectors.
        features: Unit vectors of the labelled creatives, (n, dimension).
        segments: Their segments, (n,).
        ids: Their names, n of them.
        numbers: See `PictureClassifier`.
    """

    encoder: str
    features: Features
    segments: NDArray[np.int64]
    ids: tuple[str, ...]
    numbers: Numbers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", union(np.unique(self.segments).tolist()))

    @property
    def method(self) -> str:
        return "nearest"

    @property
    def dimension(self) -> int:
        return int(self.features.shape[1])

    def predict_proba(self, features: Features) -> Probabilities:
        """See `PictureClassifier`."""
        rows, similarity = self._nearest(features, NEIGHBOURS)
        numbers = self.numbers
        votes = np.zeros((len(rows), len(numbers)))
        cells = np.arange(len(rows))[:, None], columns_of(numbers, self.segments)[rows]
        np.add.at(votes, cells, np.maximum(similarity, 0.0).astype(np.float64) ** POWER)
        uniform = 1 / len(numbers)
        sums = votes.sum(axis=1, keepdims=True)
        shares = np.where(sums > 0, votes / np.maximum(sums, np.finfo(np.float64).tiny), uniform)
        result: Probabilities = (1 - FLOOR) * shares + FLOOR * uniform
        return result

    def neighbours(self, features: Features, count: int = 3) -> list[tuple[Neighbour, ...]]:
        """Return the `count` most similar labelled creatives of each vector, the nearest first.

        `features`: (n, dimension).

        Raises:
            ValueError: The vectors have another dimension or values that are not finite.
        """
        rows, similarity = self._nearest(features, count)
        return [
            tuple(
                Neighbour(self.ids[row], int(self.segments[row]), float(cosine))
                for row, cosine in zip(*pair, strict=True)
            )
            for pair in zip(rows, similarity, strict=True)
        ]

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """See `PictureClassifier`."""

        def write(aside: Path) -> None:
            np.savez_compressed(
                aside / _INDEX,
                features=self.features,
                segments=self.segments,
                ids=np.array(self.ids, np.str_),
            )

        return written(self, folder, write, facts)

    def _nearest(
        self, features: Features, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows of the index and their cosines, (n, count) each; ties stay in index order."""
        vectors = _unit(checked(features, self.dimension))
        count = min(count, len(self.ids))
        rows = np.zeros((len(vectors), count), np.int64)
        similarity = np.zeros((len(vectors), count), np.float32)
        for start in range(0, len(vectors), _BATCH):
            part = slice(start, start + _BATCH)
            cosine = vectors[part] @ self.features.T
            rows[part] = np.argsort(-cosine, axis=1, kind="stable")[:, :count]
            similarity[part] = np.take_along_axis(cosine, rows[part], axis=1)
        return rows, similarity


def _unit(features: Features) -> Features:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    result: Features = features / np.maximum(length, np.float32(1e-12))
    return result
