"""Training of the text model of a bundle, with out-of-fold probabilities.

The text model is linear or a fine-tuned encoder. It is trained on speech and screen text together,
because a screen shows in print what another spot says aloud.

A teacher is an earlier bundle whose linear text model may be mixed into the new one: the ancestor
of the installation, or the active bundle. Predictions of a mixed model are out of fold only for
texts that the teacher has not learned either. Such texts are called fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from classifier.decision.bundle import Bundle
from classifier.decision.bundle_parts import TextHead
from classifier.learning.dataset import Table
from classifier.learning.progress import Progress, Stage, Step
from classifier.segments import columns_of, move_columns
from classifier.text.families import has_fingerprint
from classifier.text.features import count_grams, inverse_document_frequency, tf_idf
from classifier.text.linear_model import Calibration, Parameters, TextModel, margins
from classifier.text.training import Table as TextTable
from classifier.text.training import best_calibration, blend, fit, margins_of
from classifier.types import Numbers, Probabilities

LINEAR = "linear"
# A choice or a calibration on fewer texts would be a matter of luck.
LEAST_TEXTS = 50
# The weights tried for the model trained on the labels, beside a teacher's model.
SHARES = (0.25, 0.5, 0.75)
# The labels alone replace a teacher only if each of its segments has so many label texts.
_LEAST_OF_SEGMENT = 5
# The margin of segments that no model has learned, far below any real margin.
_UNKNOWN = -10.0


@dataclass(frozen=True, slots=True)
class TextRows:
    """Speech and screen texts of labelled creatives. All arrays are (texts,).

    ``numbers``: the segments of the new bundle. ``creative``: the index of the creative.
    ``screen``: whether it is a screen text. ``columns``: the index of the segment in ``numbers``.
    ``families``: family numbers. ``fold``: the fold in which the text is held out. ``digests``: of
    the creatives, as in ``Parts.training_creatives``.
    """

    texts: list[str]
    numbers: Numbers
    creative: NDArray[np.int64]
    screen: NDArray[np.bool_]
    columns: NDArray[np.int64]
    families: NDArray[np.int64]
    fold: NDArray[np.int64]
    digests: NDArray[np.uint64]

    @classmethod
    def of(cls, table: Table, fold: NDArray[np.int64]) -> TextRows:
        """Return the texts of labelled creatives; ``fold``: the fold of each, (creatives,)."""
        found = [
            (text, row, on_screen)
            for row, one in enumerate(table.features)
            for text, on_screen in ((one.speech, False), (one.screen, True))
            if text
        ]
        row = np.array([place for _, place, _ in found], np.int64)
        screen = np.array([on_screen for _, _, on_screen in found], np.bool_)
        texts = [text for text, _, _ in found]
        return cls(
            texts,
            table.numbers,
            row,
            screen,
            table.columns[row],
            table.families[row],
            fold[row],
            table.digests[row],
        )

    @property
    def calibrating(self) -> NDArray[np.bool_]:
        """The mask of texts to calibrate on, (texts,): speech, or all if there is little speech."""
        speeches = ~self.screen
        return speeches if speeches.sum() >= LEAST_TEXTS else np.ones_like(speeches)

    def fresh_for(self, teacher: Bundle) -> NDArray[np.bool_]:
        """Return which texts are of families of which the teacher has learned nothing, (texts,).

        A creative that it has learned may have another text by now, from another recogniser.
        """
        learned = has_fingerprint(self.texts, teacher.parts.training_fingerprints)
        learned |= np.isin(self.digests, teacher.parts.training_creatives)
        result: NDArray[np.bool_] = ~np.isin(self.families, self.families[learned])
        return result


@dataclass(frozen=True, slots=True)
class Learned:
    """The result of training a text model.

    ``head``: the text model. ``out_of_fold``: (texts, segments), the probabilities of models
    trained on the other folds. ``cross_fitted``: of the same shape, calibrated without the fold,
    too. ``fresh``: (texts,), whether these rows are out of fold for the teacher as well.
    ``teacher``: the bundle whose text model is part of ``head``, if any. ``share``: the weight of
    the labels in ``head``, 0 to 1; 0 if the teacher's model is unchanged.
    """

    head: TextHead
    out_of_fold: Probabilities
    cross_fitted: Probabilities
    fresh: NDArray[np.bool_]
    teacher: Bundle | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class _Mixture:
    """A way to make the text model, with its margins out of fold, (texts, segments)."""

    teacher: Bundle | None
    share: float
    margins: NDArray[np.float64]


class LinearHead:
    """Trains the linear text model on the labels, alone or mixed with that of a teacher.

    ``teachers``: bundles with a linear text model; the first is the ancestor.
    """

    def __init__(self, rows: TextRows, teachers: Sequence[Bundle]) -> None:
        self.rows = rows
        self.teachers = teachers
        segments = np.array(rows.numbers)[rows.columns]
        nothing = np.zeros(len(segments), np.bool_)
        self._table = TextTable(
            segments, nothing, ~nothing, rows.families, count_grams(rows.texts), digest=""
        )
        self._margins: dict[bytes, NDArray[np.float64]] = {}
        self._taught: dict[int, NDArray[np.float64]] = {}

    def learn(self, progress: Progress) -> Learned:
        """Train the model, with the mixture that fits fresh texts best."""
        rows = self.rows
        candidates, deciding = self._candidates()
        if candidates and deciding is None:
            return unchanged(rows, candidates[0])
        chosen = self._best(candidates, deciding, progress)
        fresh = np.ones(len(rows.texts), np.bool_)
        if chosen.teacher:
            fresh = rows.fresh_for(chosen.teacher)
        fitting = fresh & rows.calibrating
        calibration = best_calibration(chosen.margins[fitting], rows.columns[fitting])
        teacher = chosen.teacher or (candidates[0] if candidates else None)
        frequencies = _parameters(teacher) if teacher else None
        final = fit(self._table, np.ones(len(rows.texts), np.bool_), calibration, frequencies)
        if chosen.teacher:
            final = blend(_parameters(chosen.teacher), final, chosen.share)
        count = len(np.unique(rows.fold)) + 1
        progress(Step(Stage.WORDS, count, count))
        return Learned(
            TextModel(final),
            calibration.probabilities(chosen.margins),
            _cross_fitted(chosen.margins, rows, fitting),
            fresh,
            chosen.teacher,
            chosen.share,
        )

    def _candidates(self) -> tuple[list[Bundle], NDArray[np.bool_] | None]:
        """Return the teachers to try, and the texts to choose by, (texts,).

        These are fresh for all the teachers. The last teachers are left out if too few texts are
        fresh for them. If too few are fresh for the ancestor, no mixture can be judged. Then the
        labels alone are taken if they are at least as many as the ancestor has learned; otherwise
        the ancestor unchanged, for which the mask is None.
        """
        calibrating = self.rows.calibrating
        for count in range(len(self.teachers), 0, -1):
            tried = list(self.teachers[:count])
            fresh = [self.rows.fresh_for(teacher) for teacher in tried]
            deciding = calibrating & np.logical_and.reduce(fresh)
            if deciding.sum() >= LEAST_TEXTS:
                return tried, deciding
        if not self.teachers:
            return [], calibrating
        ancestor = self.teachers[0]
        is_larger = len(self.rows.texts) >= len(ancestor.parts.training_fingerprints)
        if is_larger and self._have_segments_of(ancestor):
            return [], calibrating
        return [ancestor], None

    def _have_segments_of(self, teacher: Bundle) -> bool:
        """Return whether the labels alone can replace the teacher without losing a segment."""
        counts = np.bincount(self.rows.columns, minlength=len(self.rows.numbers))
        needed = columns_of(self.rows.numbers, teacher.parts.text.numbers)
        return bool((counts[needed] >= _LEAST_OF_SEGMENT).all())

    def _best(
        self, teachers: Sequence[Bundle], deciding: NDArray[np.bool_] | None, progress: Progress
    ) -> _Mixture:
        """Return the mixture with the least log loss on the texts ``deciding``, (texts,).

        The labels alone are tried if they have all segments of the ancestor. Another teacher than
        the ancestor is chosen only if its mixture is better by more than the standard error of the
        difference (the one-standard-error rule: Hastie, Tibshirani and Friedman 2009, section
        7.10): mixing each version into the next would repeat its errors.
        """
        ancestor = teachers[0] if teachers else None
        alone = self._out_of_fold(ancestor, progress)
        best = _Mixture(None, 1.0, _expanded(alone, self._table, self.rows.numbers))
        if deciding is None or not teachers:
            return best
        losses = self._losses(best, deciding)
        if not self._have_segments_of(teachers[0]):
            losses = np.full_like(losses, np.inf)
        for place, teacher in enumerate(teachers):
            own = self._out_of_fold(teacher, progress)
            tried = [_Mixture(teacher, share, self._mixed(own, teacher, share)) for share in SHARES]
            scores = [self._losses(one, deciding) for one in tried]
            least = min(range(len(tried)), key=lambda number: float(scores[number].mean()))
            gain = losses - scores[least]
            error = gain.std() / np.sqrt(len(gain)) if place else 0.0
            if gain.mean() > error:
                best, losses = tried[least], scores[least]
        return best

    def _losses(self, mixture: _Mixture, deciding: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the log loss of each of the texts ``deciding``, calibrated on the other folds."""
        likely = _cross_fitted(mixture.margins, self.rows, deciding)[deciding]
        right = likely[np.arange(len(likely)), self.rows.columns[deciding]]
        result: NDArray[np.float64] = -np.log(np.maximum(right, 1e-9))
        return result

    def _out_of_fold(self, teacher: Bundle | None, progress: Progress) -> NDArray[np.float64]:
        """Return margins of models trained on the other folds, (texts, learned segments).

        They have the document frequencies of the teacher, so that both can be mixed.
        """
        parameters = _parameters(teacher) if teacher else None
        key = parameters.frequencies.tobytes() if parameters else b""
        if key not in self._margins:
            rows, table = self.rows, self._table
            result = np.zeros((len(rows.texts), len(table.numbers)))
            folds = np.unique(rows.fold)
            for done, number in enumerate(folds.tolist(), start=1):
                outside = np.flatnonzero(rows.fold == number)
                fitted = fit(table, rows.fold != number, base=parameters)
                result[outside] = margins_of(table, fitted, outside)
                progress(Step(Stage.WORDS, done, len(folds) + 1))
            self._margins[key] = result
        return self._margins[key]

    def _mixed(
        self, own: NDArray[np.float64], teacher: Bundle, share: float
    ) -> NDArray[np.float64]:
        """Return margins of the labels, with the weight ``share``, and the teacher.

        Args:
            own: Margins of models of the labels, (texts, learned segments).
            teacher: The teacher.
            share: The weight of the labels, 0 to 1.

        Returns:
            The margins, (texts, segments); -10 for segments that neither has learned.
        """
        numbers, parameters = self.rows.numbers, _parameters(teacher)
        result = _expanded(own, self._table, numbers)
        there = columns_of(numbers, parameters.numbers)
        taught = self._taught_margins(teacher)
        labels = result[:, there]
        # As in ``blend``: a segment that only one of them has learned is not mixed. The model of a
        # fold may lack a segment that the others have.
        mixed = share * labels + (1 - share) * taught
        result[:, there] = np.where(labels == _UNKNOWN, taught, mixed)
        return result

    def _taught_margins(self, teacher: Bundle) -> NDArray[np.float64]:
        key = id(teacher)
        if key not in self._taught:
            parameters, counts = _parameters(teacher), self._table.counts
            idf = inverse_document_frequency(parameters.frequencies, parameters.texts)
            self._taught[key] = margins(parameters, counts, tf_idf(counts, idf))
        return self._taught[key]


def unchanged(rows: TextRows, teacher: Bundle) -> Learned:
    """Return the teacher's text model unchanged, for too few labelled texts to train one."""
    head = teacher.parts.text
    predictions = head.predict(rows.texts)
    found = [[one.probabilities.get(n, 0.0) for n in rows.numbers] for one in predictions]
    probabilities = np.array(found).reshape(-1, len(rows.numbers))
    return Learned(head, probabilities, probabilities, rows.fresh_for(teacher), teacher, 0.0)


def _parameters(teacher: Bundle) -> Parameters:
    return cast(TextModel, teacher.parts.text).parameters


def _expanded(own: NDArray[np.float64], table: TextTable, numbers: Numbers) -> NDArray[np.float64]:
    """Return margins with the columns ``numbers``, (texts, segments)."""
    result = np.full((len(own), len(numbers)), _UNKNOWN)
    result[:, columns_of(numbers, table.numbers)] = own
    return result


def _cross_fitted(
    margins: NDArray[np.float64], rows: TextRows, fitting: NDArray[np.bool_]
) -> Probabilities:
    """Return probabilities, (texts, segments); each fold is calibrated on the other folds.

    ``fitting``: the texts to calibrate on, (texts,). A fold without any in the others is calibrated
    on all of them.
    """
    result = np.zeros_like(margins)
    for number in np.unique(rows.fold):
        here, rest = rows.fold == number, fitting & (rows.fold != number)
        used = rest if rest.any() else fitting
        calibration: Calibration = best_calibration(margins[used], rows.columns[used])
        result[here] = calibration.probabilities(margins[here])
    return result


class TransformerHead:
    """Fine-tunes an encoder (``transformer``), once for each fold and once on all texts.

    ``threads`` and ``seed``: as in ``transformer.fine_tune``.
    """

    def __init__(
        self, rows: TextRows, encoder: str, weights_folder: Path, threads: int, seed: int
    ) -> None:
        self.rows = rows
        self.encoder = encoder
        self.weights_folder = weights_folder
        self.threads = threads
        self.seed = seed

    def learn(self, progress: Progress) -> Learned:
        rows = self.rows
        result = np.zeros((len(rows.texts), len(rows.numbers)))
        folds = np.unique(rows.fold)
        for done, number in enumerate(folds.tolist(), start=1):
            outside = np.flatnonzero(rows.fold == number)
            head = self._tuned(np.flatnonzero(rows.fold != number))
            predictions = head.predict([rows.texts[row] for row in outside])
            own = np.array([list(one.probabilities.values()) for one in predictions])
            result[outside] = move_columns(own, head.numbers, rows.numbers)
            progress(Step(Stage.TUNING, done, len(folds) + 1))
        head = self._tuned(np.arange(len(rows.texts)))
        progress(Step(Stage.TUNING, len(folds) + 1, len(folds) + 1))
        return Learned(head, result, result, np.ones(len(rows.texts), np.bool_))

    def _tuned(self, chosen: NDArray[np.int64]) -> TextHead:
        from classifier.text.transformer import fine_tune
        from classifier.text.transformer_types import Settings

        return fine_tune(
            [self.rows.texts[row] for row in chosen],
            [self.rows.numbers[self.rows.columns[row]] for row in chosen],
            self.rows.families[chosen].tolist(),
            encoder=self.encoder,
            weights_folder=self.weights_folder,
            threads=self.threads,
            settings=Settings(seed=self.seed),
        )


def better_of(rows: TextRows, linear: Learned, tuned: Learned) -> Learned:
    """Return the fine-tuned model if it has less log loss on fresh texts, else the linear one.

    The linear model is kept if there are fewer than 50 texts that are fresh for it, or if the other
    one would lose a segment.
    """
    deciding = rows.calibrating & linear.fresh & tuned.fresh
    loses = not set(linear.head.numbers) <= set(tuned.head.numbers)
    if deciding.sum() < LEAST_TEXTS or loses:
        return linear

    def loss(learned: Learned) -> float:
        likely = learned.cross_fitted[deciding]
        right = likely[np.arange(len(likely)), rows.columns[deciding]]
        return float(-np.log(np.maximum(right, 1e-9)).mean())

    return min((linear, tuned), key=loss)
