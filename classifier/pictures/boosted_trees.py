"""A CatBoost classifier of picture vectors. Imported only when such a classifier is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoostClassifier, CatBoostError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError
from classifier.pictures.classifier_folder import checked, written
from classifier.pictures.types import Features
from classifier.types import Numbers, Probabilities

_MODEL = "model.cbm"

# There were no labelled real videos, so these settings were chosen on generated vectors like those
# of benchmarks/pictures.py (1,700 vectors, of 512 and of 1,280 numbers). With a tenth of the
# features for each tree, 300 trees take a quarter of the time of 200 trees with all features, and
# macro-F1 is between 0.01 higher and 0.02 lower. A depth of 6 was no better on the whole.
_SETTINGS = {
    "loss_function": "MultiClass",
    "auto_class_weights": "Balanced",
    "iterations": 300,
    "depth": 4,
    "learning_rate": 0.1,
    "rsm": 0.1,
    "border_count": 32,
    "random_seed": 0,
    "thread_count": 1,
    "allow_writing_files": False,
    "verbose": False,
}


def train(features: Features, segments: NDArray[np.int64], encoder: str) -> CatBoost:
    """Train on labelled vectors; see `classifiers.train_picture_classifier`.

    Args:
        features: float32 (n, dimension).
        segments: Canonical numbers, (n,).
        encoder: Name of the `PictureEncoder` of the vectors.

    Raises:
        ValueError: There are fewer than two segments, or CatBoost can't learn from the vectors.
    """
    if len(np.unique(segments)) < 2:
        raise ValueError("CatBoost needs creatives of at least two segments")
    model = CatBoostClassifier(**_SETTINGS)
    try:
        model.fit(features, segments)
    except CatBoostError as error:
        raise ValueError(f"CatBoost cannot learn from these vectors: {error}") from error
    return CatBoost(encoder, features.shape[1], model)


def load(artefact: Artefact) -> CatBoost:
    """Load the model of a verified folder; see `classifiers.load_picture_classifier`.

    Raises:
        ArtefactError: The model can't be read, or doesn't fit the facts of the manifest.
    """
    model = CatBoostClassifier()
    try:
        model.load_model(str(artefact.path(_MODEL)), format="cbm")
        numbers = model.classes_.astype(np.int64)
        dimension = int(artefact.facts["dimension"])
        encoder = str(artefact.facts["encoder"])
    except (CatBoostError, KeyError, TypeError, ValueError) as error:
        raise ArtefactError(artefact.folder, f"{_MODEL} cannot be used: {error}") from error
    if len(numbers) < 2 or len(model.feature_names_) != dimension:
        raise ArtefactError(artefact.folder, f"{_MODEL} was not trained on such vectors")
    return CatBoost(encoder, dimension, model)


@dataclass(frozen=True, slots=True)
class CatBoost:
    """The `PictureClassifier` of CatBoost."""

    encoder: str
    dimension: int
    model: Any

    @property
    def method(self) -> str:
        return "catboost"

    @property
    def numbers(self) -> Numbers:
        """See `PictureClassifier`; CatBoost sorts its classes."""
        return tuple(self.model.classes_.astype(np.int64).tolist())

    def predict_proba(self, features: Features) -> Probabilities:
        """See `PictureClassifier`."""
        vectors = checked(features, self.dimension)
        if not len(vectors):
            return np.zeros((0, len(self.numbers)))
        result: Probabilities = self.model.predict_proba(vectors, thread_count=1)
        return result

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """See `PictureClassifier`."""

        def write(aside: Path) -> None:
            self.model.save_model(str(aside / _MODEL), format="cbm")

        return written(self, folder, write, facts)
