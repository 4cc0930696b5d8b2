"""Out-of-fold predictions of all channels, and their fusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from classifier.channels import PICTURES, SCREEN, SPEECH
from classifier.decision import stacking
from classifier.decision.bundle import LEAST_HELD_OUT
from classifier.decision.fusion import SCREEN_SHARPNESS, Fusion, Opinions, pool
from classifier.evaluation.metrics import macro_f1
from classifier.learning.dataset import Table
from classifier.learning.progress import Progress, Stage, Step
from classifier.learning.text_heads import TextRows
from classifier.learning.types import Fused
from classifier.screen import terms
from classifier.types import Probabilities

_SHARPNESSES = np.arange(0.2, 1.55, 0.1)
# The folds by which a stack is chosen; the figures come from the others.
_CHOOSING_FOLDS = 2


class ChannelPredictions:
    """Fuses the out-of-fold probabilities of the channels of the training creatives."""

    def __init__(
        self,
        table: Table,
        rows: TextRows,
        known: Mapping[str, NDArray[np.bool_]],
        pictures: Probabilities,
        fold: NDArray[np.int64],
        fresh: NDArray[np.bool_],
    ) -> None:
        """Combine creatives, texts and pictures.

        Args:
            table: The creatives.
            rows: Their texts.
            known: By channel, the segments that its model has learned, (segments,).
            pictures: Out-of-fold probabilities of the picture classifier, (creatives, segments).
            fold: The fold of each creative, (creatives,).
            fresh: The creatives whose predictions are out of fold for the teacher, too,
                (creatives,).
        """
        self.table = table
        self.rows = rows
        self.known = known
        self.pictures = pictures
        self.fold = fold
        self.fresh = fresh
        self.likely = terms.likelihood([one.screen for one in table.features], table.numbers)

    def fit(self, texts: Probabilities, chosen: NDArray[np.bool_]) -> Fusion:
        """Return the fusion whose exponents have the least log loss on the creatives ``chosen``.

        ``texts``: (texts, segments). ``chosen``: (creatives,).
        """
        raw = self._by_channel(texts)
        sharpness = {SCREEN: SCREEN_SHARPNESS}
        screens = chosen & ~np.isnan(raw[SCREEN][:, 0])
        if screens.sum() >= LEAST_HELD_OUT:
            sharpness[SCREEN] = self._best_sharpness(SCREEN, raw[SCREEN], screens)
        seen = chosen & ~np.isnan(self.pictures[:, 0])
        if PICTURES in raw and seen.sum() >= LEAST_HELD_OUT:
            sharpness[PICTURES] = self._best_sharpness(PICTURES, self.pictures, seen)
        return Fusion(sharpness=sharpness)

    def fuse(
        self,
        fusion: Fusion,
        texts: Probabilities,
        cross_fitted: Probabilities,
        progress: Progress,
    ) -> Fused:
        """Fuse the channels, by the stack if it is better than the pool.

        A stack is tried if there are enough creatives with several channels.

        Args:
            fusion: The fusion of the bundle.
            texts: Out-of-fold probabilities with the calibration of the bundle, (texts, segments).
            cross_fitted: Those with a calibration without the fold, (texts, segments).
            progress: Called after each fold of the stack.
        """
        together, pooled = self._cross_fitted(cross_fitted)
        masks = together.masks()
        several = np.array([mask.bit_count() > 1 for mask in masks.tolist()], np.bool_)
        if (several & self.fresh).sum() < stacking.LEAST_CREATIVES:
            return Fused(masks, pooled, self.fresh)
        stacked = self._stacked(together, pooled, progress)
        deciding = self.fresh & (self.fold < _CHOOSING_FOLDS)
        scores = self._macro_f1(stacked, deciding), self._macro_f1(pooled, deciding)
        measured = self.fresh & (self.fold >= _CHOOSING_FOLDS)
        if scores[0] <= scores[1]:
            return Fused(masks, pooled, measured, None, scores)
        stack = self._train_stack(self._opinions(fusion, texts), self.fresh)
        return Fused(masks, stacked, measured, stack, scores)

    def _opinions(self, fusion: Fusion, texts: Probabilities) -> Opinions:
        sharpened = {
            channel: self._sharpened(fusion, channel, values)
            for channel, values in self._by_channel(texts).items()
        }
        return Opinions(self.table.numbers, sharpened, self.likely, self.known)

    def _by_channel(self, texts: Probabilities) -> dict[str, Probabilities]:
        rows, on_screen = self.rows, self.rows.screen
        result = {SPEECH: missing(self.table), SCREEN: missing(self.table)}
        result[SPEECH][rows.creative[~on_screen]] = texts[~on_screen]
        result[SCREEN][rows.creative[on_screen]] = texts[on_screen]
        if PICTURES in self.known:
            result[PICTURES] = self.pictures
        return result

    def _sharpened(self, fusion: Fusion, channel: str, values: Probabilities) -> Probabilities:
        """Sharpen probabilities as ``Parts.opinions`` does: 0 for segments that are not known."""
        known = self.known[channel]
        result = np.where(np.isnan(values), np.nan, 0.0)
        result[:, known] = fusion.sharpen(channel, values[:, known])
        return result

    def _best_sharpness(
        self, channel: str, values: Probabilities, chosen: NDArray[np.bool_]
    ) -> float:
        columns = self.table.columns[chosen]

        def loss(sharpness: float) -> float:
            fusion = Fusion(sharpness={channel: sharpness})
            likely = self._sharpened(fusion, channel, values[chosen])
            if channel == SCREEN:
                likely = terms.weigh(likely, self.likely[chosen], self.table.numbers)
            right = likely[np.arange(len(columns)), columns]
            return float(-np.log(np.maximum(right, 1e-6)).mean())

        return round(float(min(_SHARPNESSES, key=loss)), 2)

    def _cross_fitted(self, texts: Probabilities) -> tuple[Opinions, Probabilities]:
        """Return opinions and their pool; the exponents of each fold are fitted on the others."""
        pooled = missing(self.table)
        channels = {channel: missing(self.table) for channel in self._by_channel(texts)}
        for number in np.unique(self.fold):
            here = np.flatnonzero(self.fold == number)
            fusion = self.fit(texts, self.fresh & (self.fold != number))
            opinions = self._opinions(fusion, texts).select(here)
            pooled[here] = pool(opinions, fusion)
            for channel, values in opinions.probabilities.items():
                channels[channel][here] = values
        return Opinions(self.table.numbers, channels, self.likely, self.known), pooled

    def _stacked(
        self, opinions: Opinions, pooled: Probabilities, progress: Progress
    ) -> Probabilities:
        """Return out-of-fold probabilities of the stack, fused as in ``Parts.fuse``.

        The stack of a fold learns from opinions of models that have learned this fold, as usual in
        stacking; only the fold itself is judged.
        """
        result = missing(self.table)
        folds = np.unique(self.fold)
        for done, number in enumerate(folds.tolist(), start=1):
            here = np.flatnonzero(self.fold == number)
            one = self._train_stack(opinions, self.fresh & (self.fold != number))
            features = [self.table.features[row] for row in here]
            result[here] = one.fuse(pooled[here], opinions.select(here), features)
            progress(Step(Stage.STACK, done, len(folds)))
        return result

    def _train_stack(self, opinions: Opinions, chosen: NDArray[np.bool_]) -> stacking.Stack:
        rows = np.flatnonzero(chosen)
        features = [self.table.features[row] for row in rows]
        return stacking.train(opinions.select(rows), features, self.table.columns[rows])

    def _macro_f1(self, probabilities: Probabilities, chosen: NDArray[np.bool_]) -> float:
        predicted = np.nan_to_num(probabilities[chosen]).argmax(axis=1)
        return macro_f1(self.table.columns[chosen], predicted)


def missing(table: Table) -> Probabilities:
    """Return NaN for every creative and segment, (creatives, segments)."""
    return np.full((len(table.columns), len(table.numbers)), np.nan)
