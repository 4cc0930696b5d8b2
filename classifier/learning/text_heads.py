"""Learning to read speeches and screens: a linear model or a fine-tuned encoder, by folds.

Both channels teach one model: a screen says in print what another spot says aloud.
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
from classifier.segments import NUMBERS
from classifier.text.families import fingerprints
from classifier.text.features import count_grams
from classifier.text.linear_model import Calibration, Parameters, TextModel
from classifier.text.training import Table, best_calibration, blend, fit, margins_of

LINEAR = "linear"
# Below that many texts a calibration would be luck.
LEAST_TEXTS = 50
# How much the labels weigh beside the model that they correct.
SHARES = (0.25, 0.5, 0.75, 1.0)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TextRows:
    """The texts of labelled creatives, speeches and screens alike. All arrays (texts,).

    ``creative``: whose it is. ``screen``: whether it stands on a screen. ``columns``: the place of
    the segment in ``NUMBERS``. ``fold``: in which it is held out.
    """

    texts: list[str]
    creative: NDArray[np.int64]
    screen: NDArray[np.bool_]
    columns: NDArray[np.int64]
    families: NDArray[np.int64]
    fold: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        features: Sequence[SpotFeatures],
        columns: NDArray[np.int64],
        families: NDArray[np.int64],
        fold: NDArray[np.int64],
    ) -> TextRows:
        """Those of ``features``; the arrays are (creatives,)."""
        found = [
            (text, row, on_screen)
            for row, one in enumerate(features)
            for text, on_screen in ((one.speech, False), (one.screen, True))
            if text
        ]
        row = np.array([place for _, place, _ in found], np.int64)
        screen = np.array([on_screen for _, _, on_screen in found], np.bool_)
        texts = [text for text, _, _ in found]
        return cls(texts, row, screen, columns[row], families[row], fold[row])

    @property
    def calibrating(self) -> NDArray[np.bool_]:
        """The rows that probabilities are fitted on: speeches, or all where those are few."""
        speeches = ~self.screen
        return speeches if speeches.sum() >= LEAST_TEXTS else np.ones_like(speeches)


@dataclass(frozen=True, slots=True)
class Learned:
    """A text model, the probabilities (texts, 18) that models of the other folds gave, and the
    fingerprints of all texts that it has learned from."""

    head: TextHead
    out_of_fold: NDArray[np.float64]
    seen: NDArray[np.uint64]


class LinearHead:
    """The model of ``linear_model``, learned anew or mixed with the one that it replaces."""

    def __init__(self, rows: TextRows, base: Bundle | None) -> None:
        self.rows = rows
        self._seen = fingerprints(rows.texts)
        segments = np.array(NUMBERS)[rows.columns]
        nothing = np.zeros(len(segments), np.bool_)
        self._table = Table(
            segments, nothing, ~nothing, rows.families, count_grams(rows.texts), digest=""
        )
        self._base, self._fresh = _teacher(rows, self._seen, base)
        self._seen_by_base = base.parts.seen if base else self._seen

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
        seen = self._seen
        if self._base and share < 1:
            final = blend(self._base, final, share)
            seen = np.union1d(seen, self._seen_by_base)
            progress(f"words: labels weigh {share:.2f} beside the model that they correct")
        return Learned(TextModel(final), calibration.probabilities(margins), seen)

    def _best_share(self, own: NDArray[np.float64]) -> float:
        """The weight of the labels with the least log loss on texts that the base never saw."""
        if self._base is None:
            return 1.0
        judged = self._fresh & self.rows.calibrating

        def loss(share: float) -> float:
            margins = self._mixed(own, share)[judged]
            calibration = best_calibration(margins, self.rows.columns[judged])
            likely = calibration.probabilities(margins)
            right = likely[np.arange(len(margins)), self.rows.columns[judged]]
            return float(-np.log(np.maximum(right, 1e-9)).mean())

        return min(SHARES, key=loss)

    def _mixed(self, own: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Margins (texts, 18); far below any other for segments that no model knows."""
        result = np.full((len(own), len(NUMBERS)), -10.0)
        known = np.searchsorted(NUMBERS, self._table.numbers)
        result[:, known] = own
        if self._base is None or share == 1.0:
            return result
        there = np.searchsorted(NUMBERS, self._base.numbers)
        base = TextModel(self._base).margins(self.rows.texts)
        mine = np.isin(there, known)
        result[:, there[~mine]] = base[:, ~mine]
        result[:, there[mine]] = (1 - share) * base[:, mine] + share * result[:, there[mine]]
        return result

    def _calibration(self, margins: NDArray[np.float64]) -> Calibration:
        judged = self.rows.calibrating
        if self._base is not None and (judged & self._fresh).sum() >= LEAST_TEXTS:
            judged = judged & self._fresh
        return best_calibration(margins[judged], self.rows.columns[judged])


def _teacher(
    rows: TextRows, seen: NDArray[np.uint64], base: Bundle | None
) -> tuple[Parameters | None, NDArray[np.bool_]]:
    """The model to build on, and which texts it has not learned from.

    None where it knows most of them: it would look better on them than it is.
    """
    everything = np.ones(len(rows.texts), np.bool_)
    if base is None or not isinstance(base.parts.text, TextModel):
        return None, everything
    fresh = ~np.isin(seen, base.parts.seen)
    enough = (fresh & rows.calibrating).sum() >= max(LEAST_TEXTS, rows.calibrating.sum() / 2)
    return (base.parts.text.parameters, fresh) if enough else (None, everything)


class UnchangedHead:
    """The text model that is there, where too few texts are labelled to teach another."""

    def __init__(self, rows: TextRows, base: Bundle) -> None:
        self.rows = rows
        self.base = base

    def learn(self, progress: Progress) -> Learned:
        head = self.base.parts.text
        progress(f"words: only {len(self.rows.texts)} labelled texts, the model stays as it is")
        said = head.predict(self.rows.texts)
        result = [[one.probabilities.get(n, 0.0) for n in NUMBERS] for one in said]
        out_of_fold = np.array(result).reshape(-1, len(NUMBERS))
        return Learned(head, out_of_fold, self.base.parts.seen)


class TransformerHead:
    """An encoder of ``transformer``, fine-tuned once for each fold and once on all."""

    def __init__(self, rows: TextRows, encoder: str, weights_folder: Path) -> None:
        self.rows = rows
        self.encoder = encoder
        self.weights_folder = weights_folder

    def learn(self, progress: Progress) -> Learned:
        rows = self.rows
        result = np.zeros((len(rows.texts), len(NUMBERS)))
        for number in np.unique(rows.fold):
            outside = np.flatnonzero(rows.fold == number)
            head = self._tuned(np.flatnonzero(rows.fold != number), progress)
            said = head.predict([rows.texts[row] for row in outside])
            result[outside] = [list(one.probabilities.values()) for one in said]
            progress(f"words: fold {number + 1} of {len(np.unique(rows.fold))}")
        head = self._tuned(np.arange(len(rows.texts)), progress)
        return Learned(head, result, fingerprints(rows.texts))

    def _tuned(self, chosen: NDArray[np.int64], progress: Progress) -> TextHead:
        from classifier.text.transformer import fine_tune

        return fine_tune(
            [self.rows.texts[row] for row in chosen],
            [NUMBERS[self.rows.columns[row]] for row in chosen],
            self.rows.families[chosen].tolist(),
            encoder=self.encoder,
            weights_folder=self.weights_folder,
            progress=lambda epoch: progress(str(epoch)),
        )
