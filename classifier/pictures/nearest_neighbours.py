"""The labelled creatives that look most alike vote for the segment. Needs numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError
from classifier.pictures.classifier_folder import checked, columns, written
from classifier.pictures.types import Features, Neighbour
from classifier.segments import NUMBERS
from classifier.types import Probabilities

# How many vote, and how much more the nearer ones count: similarity ** POWER. No labelled real
# videos were at hand. On generated vectors 10 to 20 voters and powers of 8 to 16 lay within 0.05 of
# macro-F1. Spots of one encoder lie close together, cosines of 0.7 to 1 are usual: 16 makes 0.95
# count six times as much as 0.85.
NEIGHBOURS = 10
POWER = 16
# Spread evenly over the known segments, for ten voters can't tell "rare" from "never".
FLOOR = 0.05

_INDEX = "index.npz"
_BATCH = 256


def train(
    features: Features, segments: NDArray[np.int64], ids: Sequence[str], encoder: str
) -> NearestNeighbours:
    """See `classifiers.train_picture_classifier`."""
    return NearestNeighbours(encoder, _unit(features), segments, tuple(ids))


def load(artefact: Artefact) -> NearestNeighbours:
    """See `classifiers.load_picture_classifier`."""
    arrays = artefact.arrays(_INDEX)
    try:
        features = checked(arrays["features"], int(artefact.facts["dimension"]))
        segments = arrays["segments"].astype(np.int64)
        ids = tuple(arrays["ids"].tolist())
        encoder = str(artefact.facts["encoder"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError(artefact.folder, f"{_INDEX} cannot be used: {error}") from error
    if not len(features) == len(segments) == len(ids) or not set(segments) <= set(NUMBERS):
        raise ArtefactError(artefact.folder, f"the arrays of {_INDEX} do not fit together")
    return NearestNeighbours(encoder, features, segments, ids)


@dataclass(frozen=True, slots=True, eq=False)
class NearestNeighbours:
    """A `PictureClassifier` that can name its examples."""

    encoder: str
    features: Features
    segments: NDArray[np.int64]
    ids: tuple[str, ...]

    @property
    def method(self) -> str:
        return "nearest"

    @property
    def dimension(self) -> int:
        return int(self.features.shape[1])

    def predict_proba(self, features: Features) -> Probabilities:
        """See `PictureClassifier`."""
        rows, similarity = self._nearest(features, NEIGHBOURS)
        votes = np.zeros((len(rows), len(NUMBERS)))
        place = np.arange(len(rows))[:, None], columns(self.segments)[rows]
        np.add.at(votes, place, np.maximum(similarity, 0.0).astype(np.float64) ** POWER)
        known = np.isin(NUMBERS, self.segments)
        even = known / known.sum()
        total = votes.sum(axis=1, keepdims=True)
        shares = np.where(total > 0, votes / np.maximum(total, np.finfo(np.float64).tiny), even)
        result: Probabilities = (1 - FLOOR) * shares + FLOOR * even
        return result

    def neighbours(self, features: Features, count: int = 3) -> list[tuple[Neighbour, ...]]:
        """For each vector the `count` most similar labelled creatives, the nearest first."""
        rows, similarity = self._nearest(features, count)
        return [
            tuple(
                Neighbour(self.ids[row], int(self.segments[row]), float(likeness))
                for row, likeness in zip(*pair, strict=True)
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
        """Rows of the index and their cosines, (n, count) each; equal ones in their old order."""
        vectors = _unit(checked(features, self.dimension))
        count = min(count, len(self.ids))
        rows = np.zeros((len(vectors), count), np.int64)
        similarity = np.zeros((len(vectors), count), np.float32)
        for begin in range(0, len(vectors), _BATCH):
            part = slice(begin, begin + _BATCH)
            cosine = vectors[part] @ self.features.T
            rows[part] = np.argsort(-cosine, axis=1, kind="stable")[:, :count]
            similarity[part] = np.take_along_axis(cosine, rows[part], axis=1)
        return rows, similarity


def _unit(features: Features) -> Features:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    result: Features = features / np.maximum(length, np.float32(1e-12))
    return result
