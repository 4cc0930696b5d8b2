"""What both classifiers share: checked vectors, and the kind of folder that they are kept in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, write_artefact
from classifier.pictures.types import Features, PictureClassifier
from classifier.segments import NUMBERS

KIND = "creative-filter/picture-classifier"
VERSION = 1
# Folders of older programs are of this kind; they differ in nothing else.
FORMER_KIND = "creative-filter/video-classifier"


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
    classifier: PictureClassifier,
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
