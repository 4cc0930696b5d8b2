"""Boosted trees over the vector of a spot. Imported only when such a classifier is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoostClassifier, CatBoostError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError
from classifier.pictures.classifier_folder import checked, columns, written
from classifier.pictures.types import Features
from classifier.segments import NUMBERS
from classifier.types import Probabilities

_MODEL = "model.cbm"

# No labelled real videos were at hand: measured on generated vectors like those of
# benchmarks/pictures.py (1,700 of 512 and of 1,280 numbers). With a tenth of the features for each
# tree, 300 trees take a quarter of the time of 200 with all of them, and macro-F1 is 0.01 higher to
# 0.02 lower; a depth of 6 was no better on the whole.
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
    """See `classifiers.train_picture_classifier`."""
    if len(np.unique(segments)) < 2:
        raise ValueError("CatBoost needs creatives of at least two segments")
    machine = CatBoostClassifier(**_SETTINGS)
    try:
        machine.fit(features, segments)
    except CatBoostError as error:
        raise ValueError(f"CatBoost cannot learn from these vectors: {error}") from error
    return CatBoost(encoder, features.shape[1], machine)


def load(artefact: Artefact) -> CatBoost:
    """See `classifiers.load_picture_classifier`."""
    machine = CatBoostClassifier()
    try:
        machine.load_model(str(artefact.path(_MODEL)), format="cbm")
        known = columns(machine.classes_.astype(np.int64))
        dimension = int(artefact.facts["dimension"])
        encoder = str(artefact.facts["encoder"])
    except (CatBoostError, KeyError, TypeError, ValueError) as error:
        raise ArtefactError(artefact.folder, f"{_MODEL} cannot be used: {error}") from error
    if len(known) < 2 or len(machine.feature_names_) != dimension:
        raise ArtefactError(artefact.folder, f"{_MODEL} was not trained on such vectors")
    return CatBoost(encoder, dimension, machine)


@dataclass(frozen=True, slots=True)
class CatBoost:
    """A `PictureClassifier`."""

    encoder: str
    dimension: int
    machine: Any

    @property
    def method(self) -> str:
        return "catboost"

    def predict_proba(self, features: Features) -> Probabilities:
        """See `PictureClassifier`."""
        vectors = checked(features, self.dimension)
        result = np.zeros((len(vectors), len(NUMBERS)))
        if len(vectors):
            known = columns(self.machine.classes_.astype(np.int64))
            result[:, known] = self.machine.predict_proba(vectors, thread_count=1)
        return result

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """See `PictureClassifier`."""

        def write(aside: Path) -> None:
            self.machine.save_model(str(aside / _MODEL), format="cbm")

        return written(self, folder, write, facts)
