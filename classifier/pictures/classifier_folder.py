"""What both classifiers share: validation of vectors, and the kind and version of their folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from classifier.artefact import Artefact, write_artefact
from classifier.pictures.types import Features, PictureClassifier

KIND = "creative-filter/picture-classifier"
VERSION = 1
# Older versions wrote this kind; their folders differ in nothing else.
FORMER_KIND = "creative-filter/video-classifier"


def checked(features: Features, dimension: int) -> Features:
    """Return the vectors as float32 (n, dimension).

    Raises:
        ValueError: The shape is another one, or a value is not finite.
    """
    vectors = np.asarray(features, np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise ValueError(f"expected vectors (n, {dimension}), got {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("the vectors hold values that are no numbers")
    return vectors


def written(
    classifier: PictureClassifier,
    folder: Path,
    write: Callable[[Path], None],
    facts: Mapping[str, Any],
) -> Artefact:
    """Write the model folder with the facts that loading needs, by `write_artefact`."""
    loading_facts = {
        "method": classifier.method,
        "encoder": classifier.encoder,
        "dimension": classifier.dimension,
    }
    return write_artefact(folder, KIND, VERSION, write, {**facts, **loading_facts})
