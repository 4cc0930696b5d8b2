"""Options and results of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.decision.bundle import Bundle
from classifier.decision.bundle_parts import Parts
from classifier.decision.stacking import Stack
from classifier.learning.text_heads import LINEAR, Learned
from classifier.text.linear_model import TextModel
from classifier.text.training import SEED
from classifier.types import Probabilities


@dataclass(frozen=True, slots=True)
class Config:
    """The options of training.

    ``folder``: where the bundle is written. ``ancestor`` and ``active``: bundles whose linear text
    model may be mixed into the new one (``text_heads``). The new one has the segments of both, even
    those that it never predicts because no model has learned them. With fewer than 50 labelled
    texts, or nearly all of one segment, the ancestor's is used unchanged. ``text``:
    "linear", or the name or folder of an encoder to fine-tune; the result is used if it is better
    than the linear model. ``pictures``: "nearest", "catboost", or "" for no picture classifier.
    ``encoder``: the name of the encoder of the picture vectors. ``weights_folder``: the cache of
    downloads. ``least_labels``: the least number of labelled creatives of a segment that neither
    ``ancestor`` nor ``active`` has. ``threads``: of the fine-tuning. ``seed``: of the random
    splits.
    """

    folder: Path
    ancestor: Bundle | None = None
    active: Bundle | None = None
    text: str = LINEAR
    pictures: str = "nearest"
    encoder: str = ""
    weights_folder: Path = Path()
    least_labels: int = 1
    threads: int = 1
    seed: int = SEED

    @property
    def teachers(self) -> list[Bundle]:
        """The different bundles with a linear text model, the ancestor first."""
        result: list[Bundle] = []
        for one in (self.ancestor, self.active):
            if one and isinstance(one.parts.text, TextModel) and one not in result:
                result.append(one)
        return result


@dataclass(frozen=True, slots=True)
class Fused:
    """Out-of-fold predictions of the training creatives; arrays are (creatives,).

    ``masks``: the channels, as in ``Opinions.masks``. ``probabilities``: (creatives, segments); the
    calibration of each fold comes from the others, too. Thresholds chosen on them keep their
    promise better than those chosen with the calibration of the bundle (with 320 labels, for
    95 %: pooled precision .941 instead of .937). ``measured``: the creatives from which the figures
    come. ``stack``: the stack if it is better than the pool. ``scores``: macro-F1 of stack and
    pool, by which the better one was chosen; None if there were too few creatives to try.
    """

    masks: NDArray[np.uint8]
    probabilities: Probabilities
    measured: NDArray[np.bool_]
    stack: Stack | None = None
    scores: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """The parts of a bundle, its text model with its origin, and its out-of-fold predictions.

    ``fold``: (creatives,), the fold in which each creative is held out.
    """

    parts: Parts
    text: Learned
    fused: Fused
    fold: NDArray[np.int64]
