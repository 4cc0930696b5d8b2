"""From the vector of a spot to its segment: two classifiers, one interface, one kind of folder.

CatBoost learns boundaries and needs tens of creatives for each segment; nearest neighbours
remember, work from the first label on and name the creatives that they go by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError, read_artefact, write_artefact
from classifier.segments import NUMBERS

METHODS = ("catboost", "nearest")
KIND = "creative-filter/video-classifier"
VERSION = 1

Features = NDArray[np.float32]
Probabilities = NDArray[np.float64]


class VideoClassifier(Protocol):
    """Which segment the vectors of one encoder speak for."""

    @property
    def method(self) -> str:
        """One of METHODS."""
        ...

    @property
    def encoder(self) -> str:
        """The `VideoEncoder.name` of the vectors that it understands."""
        ...

    @property
    def dimension(self) -> int: ...

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities (n, 18) of vectors (n, dimension); columns as `segments.NUMBERS`.

        Rows sum to 1; a segment that training did not know has 0. They are not calibrated.
        Raises ValueError for vectors of another dimension or with values that are no numbers.
        """
        ...

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """Make or replace a model folder, with `facts` (JSON values) about its making."""
        ...


def train_video_classifier(
    method: str, features: Features, segments: Sequence[int], ids: Sequence[str], *, encoder: str
) -> VideoClassifier:
    """Learn from labelled vectors; the same rows give the same classifier.

    `features`: (n, dimension) of the encoder named `encoder`. `segments`: n canonical numbers.
    `ids`: what the n creatives are called, for evidence.

    Raises ValueError for an unknown method or segment, lists of different lengths, values that
    are no numbers, no rows, or, with CatBoost, fewer than two segments or vectors all alike.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: choose {' or '.join(METHODS)}")
    if not len(features) == len(segments) == len(ids) or not len(ids):
        raise ValueError(f"{len(features)} vectors, {len(segments)} segments, {len(ids)} ids")
    numbers = np.asarray(segments, np.int64)
    if unknown := set(numbers.tolist()) - set(NUMBERS):
        raise ValueError(f"no such segments: {sorted(unknown)}")
    vectors = checked(features, features.shape[-1])
    if method == "catboost":
        from classifier.pictures import boosted_trees

        return boosted_trees.train(vectors, numbers, encoder)
    from classifier.pictures import nearest_neighbours

    return nearest_neighbours.train(vectors, numbers, ids, encoder)


def load_video_classifier(folder: Path) -> VideoClassifier:
    """Read a model folder; raises `ArtefactError` unless it is whole and of this format."""
    artefact = read_artefact(folder, KIND, VERSION)
    method = artefact.facts.get("method")
    if method == "catboost":
        from classifier.pictures import boosted_trees

        return boosted_trees.load(artefact)
    if method == "nearest":
        from classifier.pictures import nearest_neighbours

        return nearest_neighbours.load(artefact)
    raise ArtefactError(folder, f"{method!r} is no known method")


def checked(features: Features, dimension: int) -> Features:
    """The vectors as float32 (n, dimension); raises ValueError for anything else."""
    vectors = np.asarray(features, np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise ValueError(f"expected vectors (n, {dimension}), got {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("the vectors hold values that are no numbers")
    return vectors


def columns(segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in `segments.NUMBERS` each of the canonical numbers stands."""
    return np.searchsorted(np.array(NUMBERS), segments)


def written(
    classifier: VideoClassifier,
    folder: Path,
    write: Callable[[Path], None],
    facts: Mapping[str, Any],
) -> Artefact:
    """`write_artefact` with the facts that loading needs."""
    known = {
        "method": classifier.method,
        "encoder": classifier.encoder,
        "dimension": classifier.dimension,
    }
    return write_artefact(folder, KIND, VERSION, write, {**facts, **known})
