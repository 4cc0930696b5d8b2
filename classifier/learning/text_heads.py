"""Training of the text model of a bundle, with out-of-fold probabilities.

The text model is linear or a fine-tuned encoder. It is trained on speech and screen text together,
because a screen shows in print what another spot says aloud.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.decision.bundle import Bundle
from classifier.decision.bundle_parts import TextHead
from classifier.decision.types import SpotFeatures
from classifier.segments import columns_of, move_columns
from classifier.text.families import fingerprints
from classifier.text.features import count_grams
from classifier.text.linear_model import Calibration, Parameters, TextModel
from classifier.text.training import Table, best_calibration, blend, fit, margins_of
from classifier.types import Numbers

LINEAR = "linear"
# A calibration on fewer texts would be a matter of luck.
LEAST_TEXTS = 50
# The weights tried for the model trained on the labels, beside the base model.
SHARES = (0.25, 0.5, 0.75, 1.0)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TextRows:
    """Speech and screen texts of labelled creatives. All arrays are (texts,).

    ``numbers``: the segments of the new bundle. ``creative``: the index of the creative.
    ``screen``: whether it is a screen text. ``columns``: the index of the segment in ``numbers``.
    ``families``: family numbers. ``fold``: the fold in
    which the text is held out.
    """

    texts: list[str]
    numbers: Numbers
    creative: NDArray[np.int64]
    screen: NDArray[np.bool_]
    columns: NDArray[np.int64]
    families: NDArray[np.int64]
    fold: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        features: Sequence[SpotFeatures],
        numbers: Numbers,
        columns: NDArray[np.int64],
        families: NDArray[np.int64],
        fold: NDArray[np.int64],
    ) -> TextRows:
        """Return the texts of ``features``; the given arrays are (creatives,)."""
        found = [
            (text, row, on_screen)
            for row, one in enumerate(features)
            for text, on_screen in ((one.speech, False), (one.screen, True))
            if text
        ]
        row = np.array([place for _, place, _ in found], np.int64)
        screen = np.array([on_screen for _, _, on_screen in found], np.bool_)
        texts = [text for text, _, _ in found]
        return cls(texts, numbers, row, screen, columns[row], families[row], fold[row])

    @property
    def calibrating(self) -> NDArray[np.bool_]:
        """The mask of texts to calibrate on, (texts,): speech, or all if there is little speech."""
        speeches = ~self.screen
        return speeches if speeches.sum() >= LEAST_TEXTS else np.ones_like(speeches)


@dataclass(frozen=True, slots=True)
class Learned:
    """The result of training a text model.

    ``head``: the text model. ``out_of_fold``: (texts, segments), the probabilities of models
    trained on the other folds. ``training_fingerprints``: (fingerprints,), those of all training
    texts of ``head``.
    """

    head: TextHead
    out_of_fold: NDArray[np.float64]
    training_fingerprints: NDArray[np.uint64]


class LinearHead:
    """Trains the model of ``linear_model`` on the labels, mixed with the text model of the base."""

    def __init__(self, rows: TextRows, base: Bundle | None) -> None:
        self.rows = rows
        self._fingerprints = fingerprints(rows.texts)
        segments = np.array(rows.numbers)[rows.columns]
        nothing = np.zeros(len(segments), np.bool_)
        self._table = Table(
            segments, nothing, ~nothing, rows.families, count_grams(rows.texts), digest=""
        )
        self._base, self._is_unseen = _usable_base(rows, self._fingerprints, base)
        self._base_fingerprints = base.parts.training_fingerprints if base else self._fingerprints

    def learn(self, progress: Progress) -> Learned:
        rows, table = self.rows, self._table
        own = np.zeros((len(rows.texts), len(table.numbers)))
        for number in np.unique(rows.fold):
            outside = np.flatnonzero(rows.fold == number)
            fitted = fit(table, rows.fold != number, base=self._base)
            own[outside] = margins_of(table, fitted, outside)
            progress(f"words: fold {number + 1} of {len(np.unique(rows.fold))}")
        share = self._best_share(own)
        margins = self._mixed(own, share)
        calibration = self._calibration(margins)
        final = fit(table, np.ones(len(rows.texts), np.bool_), calibration, self._base)
        training_fingerprints = self._fingerprints
        if self._base and share < 1:
            final = blend(self._base, final, share)
            training_fingerprints = np.union1d(training_fingerprints, self._base_fingerprints)
            progress(f"words: labels have the weight {share:.2f} beside the base model")
        return Learned(TextModel(final), calibration.probabilities(margins), training_fingerprints)

    def _best_share(self, own: NDArray[np.float64]) -> float:
        """Return the weight of the labels with the least log loss on texts unknown to the base."""
        if self._base is None:
            return 1.0
        rows_to_fit = self._is_unseen & self.rows.calibrating

        def loss(share: float) -> float:
            margins = self._mixed(own, share)[rows_to_fit]
            calibration = best_calibration(margins, self.rows.columns[rows_to_fit])
            likely = calibration.probabilities(margins)
            right = likely[np.arange(len(margins)), self.rows.columns[rows_to_fit]]
            return float(-np.log(np.maximum(right, 1e-9)).mean())

        return min(SHARES, key=loss)

    def _mixed(self, own: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Return mixed margins, (texts, segments); -10 for those that none of the models has."""
        numbers = self.rows.numbers
        known = columns_of(numbers, self._table.numbers)
        result = np.full((len(own), len(numbers)), -10.0)
        result[:, known] = own
        if self._base is None or share == 1.0:
            return result
        there = columns_of(numbers, self._base.numbers)
        base = TextModel(self._base).margins(self.rows.texts)
        shared = np.isin(there, known)
        result[:, there[~shared]] = base[:, ~shared]
        result[:, there[shared]] = (1 - share) * base[:, shared] + share * result[:, there[shared]]
        return result

    def _calibration(self, margins: NDArray[np.float64]) -> Calibration:
        rows_to_fit = self.rows.calibrating
        if self._base is not None and (rows_to_fit & self._is_unseen).sum() >= LEAST_TEXTS:
            rows_to_fit = rows_to_fit & self._is_unseen
        return best_calibration(margins[rows_to_fit], self.rows.columns[rows_to_fit])


def _usable_base(
    rows: TextRows, text_fingerprints: NDArray[np.uint64], base: Bundle | None
) -> tuple[Parameters | None, NDArray[np.bool_]]:
    """Return the base model's parameters, and which texts it was not trained on.

    The parameters are None if the base was trained on most of the texts: its figures on them would
    be too good to choose its weight by them.
    """
    all_rows = np.ones(len(rows.texts), np.bool_)
    if base is None or not isinstance(base.parts.text, TextModel):
        return None, all_rows
    is_unseen = ~np.isin(text_fingerprints, base.parts.training_fingerprints)
    enough = (is_unseen & rows.calibrating).sum() >= max(LEAST_TEXTS, rows.calibrating.sum() / 2)
    return (base.parts.text.parameters, is_unseen) if enough else (None, all_rows)


class UnchangedHead:
    """Keeps the base's text model, if there are too few labelled texts to train one.

    Its ``out_of_fold`` probabilities are those of the base's model.
    """

    def __init__(self, rows: TextRows, base: Bundle) -> None:
        self.rows = rows
        self.base = base

    def learn(self, progress: Progress) -> Learned:
        head = self.base.parts.text
        segments = len(np.unique(self.rows.columns))
        progress(
            f"words: too few labelled texts ({len(self.rows.texts)} of {segments} segments), "
            "the base model is kept"
        )
        predictions = head.predict(self.rows.texts)
        numbers = self.rows.numbers
        result = [[one.probabilities.get(n, 0.0) for n in numbers] for one in predictions]
        out_of_fold = np.array(result).reshape(-1, len(numbers))
        return Learned(head, out_of_fold, self.base.parts.training_fingerprints)


class TransformerHead:
    """Fine-tunes an encoder (``transformer``), once for each fold and once on all texts."""

    def __init__(self, rows: TextRows, encoder: str, weights_folder: Path) -> None:
        self.rows = rows
        self.encoder = encoder
        self.weights_folder = weights_folder

    def learn(self, progress: Progress) -> Learned:
        rows = self.rows
        result = np.zeros((len(rows.texts), len(rows.numbers)))
        for number in np.unique(rows.fold):
            outside = np.flatnonzero(rows.fold == number)
            head = self._tuned(np.flatnonzero(rows.fold != number), progress)
            predictions = head.predict([rows.texts[row] for row in outside])
            own = np.array([list(one.probabilities.values()) for one in predictions])
            result[outside] = move_columns(own, head.numbers, rows.numbers)
            progress(f"words: fold {number + 1} of {len(np.unique(rows.fold))}")
        head = self._tuned(np.arange(len(rows.texts)), progress)
        return Learned(head, result, fingerprints(rows.texts))

    def _tuned(self, chosen: NDArray[np.int64], progress: Progress) -> TextHead:
        from classifier.text.transformer import fine_tune

        return fine_tune(
            [self.rows.texts[row] for row in chosen],
            [self.rows.numbers[self.rows.columns[row]] for row in chosen],
            self.rows.families[chosen].tolist(),
            encoder=self.encoder,
            weights_folder=self.weights_folder,
            progress=lambda epoch: progress(str(epoch)),
        )
