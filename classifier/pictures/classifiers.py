"""Classification of a spot by its picture vector: two methods, one interface, one kind of folder.

CatBoost learns boundaries and needs tens of creatives for each segment. Nearest neighbours work
from the first label on, and name the creatives that they are based on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifier.artefact import ArtefactError, read_artefact
from classifier.pictures.classifier_folder import FORMER_KIND, KIND, VERSION, checked
from classifier.pictures.types import METHODS, Features, PictureClassifier


def train_picture_classifier(
    method: str, features: Features, segments: Sequence[int], ids: Sequence[str], *, encoder: str
) -> PictureClassifier:
    """Train a classifier on labelled vectors; the same rows give the same classifier.

    Args:
        method: One of METHODS.
        features: (n, dimension), vectors of the encoder named `encoder`.
        segments: Canonical numbers, n of them.
        ids: Names of the n creatives, for evidence.
        encoder: Name of the `PictureEncoder`.

    Raises:
        ValueError: The method is unknown, lengths differ, there are no rows, or a value is not
            finite. With CatBoost also: fewer than two segments, or vectors that are all alike.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: choose {' or '.join(METHODS)}")
    if not len(features) == len(segments) == len(ids) or not len(ids):
        raise ValueError(f"{len(features)} vectors, {len(segments)} segments, {len(ids)} ids")
    numbers = np.asarray(segments, np.int64)
    vectors = checked(features, features.shape[-1])
    if method == "catboost":
        from classifier.pictures import boosted_trees

        return boosted_trees.train(vectors, numbers, encoder)
    from classifier.pictures import nearest_neighbours

    return nearest_neighbours.train(vectors, numbers, ids, encoder)


def load_picture_classifier(folder: Path) -> PictureClassifier:
    """Read a model folder.

    Raises:
        ArtefactError: The folder is damaged, or of another kind, version or method.
    """
    artefact = read_artefact(folder, KIND, VERSION, former_kind=FORMER_KIND)
    method = artefact.facts.get("method")
    if method == "catboost":
        from classifier.pictures import boosted_trees

        return boosted_trees.load(artefact)
    if method == "nearest":
        from classifier.pictures import nearest_neighbours

        return nearest_neighbours.load(artefact)
    raise ArtefactError(folder, f"{method!r} is no known method")
