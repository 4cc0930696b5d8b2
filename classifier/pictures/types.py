"""Vectors of pictures: what makes them, and what tells segments from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact
from classifier.pictures import efficientnet_weights
from classifier.types import Probabilities

Picture = NDArray[np.uint8]
Features = NDArray[np.float32]

EFFICIENTNET = efficientnet_weights.MODEL
METHODS = ("catboost", "nearest")


class PictureEncoder(Protocol):
    """Turns the frames of a spot into a feature vector."""

    @property
    def name(self) -> str:
        """Which weights: vectors of encoders with different names have nothing in common."""
        ...

    @property
    def dimension(self) -> int: ...

    def encode(self, frames: Sequence[Picture]) -> Features:
        """The spot as float32 (dimension,) of length 1.

        `frames`: RGB pictures, uint8 (height, width, 3), in time order, evenly spread over the
        spot. Raises ValueError when there is none or one is of another shape or type.
        """
        ...


class PictureClassifier(Protocol):
    """Which segment the vectors of one encoder speak for."""

    @property
    def method(self) -> str:
        """One of METHODS."""
        ...

    @property
    def encoder(self) -> str:
        """The `PictureEncoder.name` of the vectors that it understands."""
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


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled creative and the cosine between its vector and the one asked about."""

    id: str
    segment: int
    similarity: float
