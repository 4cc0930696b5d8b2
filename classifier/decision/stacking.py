"""Stacking: boosted trees that fuse the channels, once there are enough labelled creatives.

Their features are the out-of-fold probabilities of each channel, the shape of the spot, and
advertiser, brand and media type. Missing values are not imputed. CatBoost is imported when a stack
is trained or loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError, read_artefact, write_artefact
from classifier.channels import CHANNELS
from classifier.decision.fusion import Opinions
from classifier.decision.spot_shape import NAMES
from classifier.types import Probabilities

if TYPE_CHECKING:
    from classifier.decision.types import SpotFeatures

KIND = "creative-filter/stack"
VERSION = 1
# The fewest labelled creatives with two channels or more for which a stack is tried.
LEAST_CREATIVES = 300

_MODEL = "model.cbm"
_CATEGORIES = ("advertiser", "brand", "media_type")
_SETTINGS = {
    "loss_function": "MultiClass",
    "iterations": 200,
    "depth": 4,
    "learning_rate": 0.1,
    "l2_leaf_reg": 10,
    "rsm": 0.3,
    "random_seed": 0,
    "thread_count": 1,
    "allow_writing_files": False,
    "verbose": False,
}


def train(
    opinions: Opinions, features: Sequence[SpotFeatures], columns: NDArray[np.integer[Any]]
) -> Stack:
    """Train a stack.

    Args:
        opinions: The opinions of models that were not trained on these creatives.
        features: The features of the same creatives.
        columns: (creatives,); the index of the true segment in ``opinions.numbers``, two or more
            different.
    """
    from catboost import CatBoostClassifier  # type: ignore[import-untyped]

    table = _table(opinions, features)
    categories = _category_columns(len(opinions.numbers))
    machine = CatBoostClassifier(cat_features=categories, **_SETTINGS)
    machine.fit(table, columns)
    return Stack(machine)


@dataclass(frozen=True, slots=True)
class Stack:
    """A CatBoost model that predicts segments from the channels' probabilities.

    Its classes are columns of the bundle's arrays.
    """

    machine: Any

    @classmethod
    def load(cls, folder: Path, segments: int) -> Stack:
        """Read a model folder.

        Args:
            folder: The folder.
            segments: The number of segments of its bundle.

        Raises:
            ArtefactError: The folder is damaged, of another format, or trained on other features
                or segments.
        """
        from catboost import CatBoostClassifier, CatBoostError

        artefact = read_artefact(folder, KIND, VERSION)
        machine = CatBoostClassifier()
        try:
            machine.load_model(str(artefact.path(_MODEL)), format="cbm")
        except CatBoostError as error:
            raise ArtefactError(folder, f"{_MODEL} cannot be used: {error}") from error
        categories = _category_columns(segments)
        if (len(machine.feature_names_), machine.get_cat_feature_indices()) != (
            categories[-1] + 1,
            categories,
        ):
            raise ArtefactError(folder, f"{_MODEL} was not trained on such features")
        if not len(machine.classes_) or not set(machine.classes_) <= set(range(segments)):
            raise ArtefactError(folder, f"{_MODEL} was not trained on these segments")
        return cls(machine)

    def save(self, folder: Path) -> Artefact:
        """Create or replace a model folder."""

        def write(aside: Path) -> None:
            self.machine.save_model(str(aside / _MODEL), format="cbm")

        return write_artefact(folder, KIND, VERSION, write, {})

    def probabilities(self, opinions: Opinions, features: Sequence[SpotFeatures]) -> Probabilities:
        """Return probabilities, (creatives, segments); 0 for segments that it never learned."""
        result = np.zeros((len(features), len(opinions.numbers)))
        result[:, self.known] = self.machine.predict_proba(
            _table(opinions, features), thread_count=1
        )
        return result

    def fuse(
        self, pooled: Probabilities, opinions: Opinions, features: Sequence[SpotFeatures]
    ) -> Probabilities:
        """Return fused probabilities, (creatives, segments); NaN where ``pooled`` is.

        Segments that the stack never learned keep their probability in ``pooled``, (creatives,
        segments); the stack divides the rest.
        """
        known = self.known
        result: Probabilities = pooled.copy()
        result[:, known] = self.probabilities(opinions, features)[:, known]
        result[:, known] *= pooled[:, known].sum(axis=1, keepdims=True)
        return result

    @property
    def known(self) -> NDArray[np.int64]:
        """The columns of the segments that it has learned, (known segments,)."""
        result: NDArray[np.int64] = self.machine.classes_.astype(np.int64)
        return result


def _category_columns(segments: int) -> list[int]:
    """Return the columns of the categories in the table of a bundle with so many segments."""
    first = len(CHANNELS) * segments + len(NAMES)
    return list(range(first, first + len(_CATEGORIES)))


def _table(opinions: Opinions, features: Sequence[SpotFeatures]) -> list[list[Any]]:
    """Return a row for each creative: logarithms of probabilities, shape, categories."""
    absent = np.full((len(features), len(opinions.numbers)), np.nan)
    log_probabilities = [
        np.log(
            np.maximum(
                opinions.for_channel(channel) if channel in opinions.probabilities else absent, 1e-6
            )
        )
        for channel in CHANNELS
    ]
    no_shape = np.full(len(NAMES), np.nan)
    shapes = [one.shape.as_vector() if one.shape else no_shape for one in features]
    numbers = np.concatenate([*log_probabilities, np.stack(shapes)], axis=1)
    return [
        [*row, *(getattr(one, name) or "?" for name in _CATEGORIES)]
        for row, one in zip(numbers.tolist(), features, strict=True)
    ]
