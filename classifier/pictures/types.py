"""Types of picture vectors, and the interfaces of encoders and classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact
from classifier.pictures import efficientnet_weights
from classifier.types import Numbers, Probabilities

Picture = NDArray[np.uint8]
Features = NDArray[np.float32]

EFFICIENTNET = efficientnet_weights.MODEL
METHODS = ("catboost", "nearest")


class PictureEncoder(Protocol):
    """Encodes the frames of a spot as a picture vector."""

    @property
    def name(self) -> str:
        """Name of the weights. Vectors of encoders with different names can't be compared."""
        ...

    @property
    def dimension(self) -> int: ...

    def encode(self, frames: Sequence[Picture]) -> Features:
        """Return the spot's vector, float32 (dimension,), of length 1.

        Args:
            frames: RGB pictures, uint8 (height, width, 3), in time order, evenly spread over the
                spot.

        Raises:
            ValueError: There are no frames, or one has another shape or type.
        """
        ...


class PictureClassifier(Protocol):
    """Predicts segments from the vectors of one encoder."""

    @property
    def method(self) -> str:
        """One of METHODS."""
        ...

    @property
    def encoder(self) -> str:
        """The `PictureEncoder.name` of the vectors that this classifier takes."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def numbers(self) -> Numbers:
        """The segments with training examples, ascending: the only ones that it can predict."""
        ...

    def predict_proba(self, features: Features) -> Probabilities:
        """Return probabilities, (n, segments), of vectors, (n, dimension); columns as `numbers`.

        Rows sum to 1. The probabilities are not calibrated.

        Raises:
            ValueError: The vectors have another dimension or values that are not finite.
        """
        ...

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """Create or replace a model folder; `facts` (JSON values) go into its manifest."""
        ...


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled creative and the cosine between its vector and the given one."""

    id: str
    segment: int
    similarity: float
