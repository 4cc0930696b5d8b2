"""Training and evaluation of the text model on labelled transcripts.

The model is trained with scikit-learn and predicts with numpy. Folds keep families of near
duplicates together, and each fold is calibrated on the others, so that no row is evaluated by a
model that was trained or calibrated on its family.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import TooFewRowsError
from classifier.evaluation.metrics import (
    accuracy,
    expected_calibration_error,
    macro_f1,
    threshold_for,
)
from classifier.speech.cleaning import assess_speech
from classifier.text.families import families, grouped_folds, segments_in_several
from classifier.text.features import (
    BUCKETS,
    Counts,
    count_grams,
    inverse_document_frequency,
    tf_idf,
)
from classifier.text.linear_model import Calibration, Parameters, margins

PENALTY = 0.3
FOLDS = 5
PRECISION = 0.95
SEED = 0
_PLAIN = Calibration(slope=1.0, shift=0.0)
_UNKNOWN = -10.0  # the margin of a segment without training rows, far below any real margin


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One labelled transcript; ``segment`` is canonical (0 instead of 6)."""

    segment: int
    text: str
    split: str


@dataclass(frozen=True, slots=True)
class Table:
    """Prepared training rows: cleaned, hashed, grouped into families. All arrays are (rows,).

    ``segments``: segment numbers. ``valid``: whether the split is ``valid``. ``spoken``: whether
    the row has usable speech. ``families``: family numbers from 0. ``counts``: the features.
    ``digest``: sha256 of segments, splits and texts.
    """

    segments: NDArray[np.int64]
    valid: NDArray[np.bool_]
    spoken: NDArray[np.bool_]
    families: NDArray[np.int64]
    counts: Counts
    digest: str

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The segments that occur, (segments,), ascending: the columns of all margins."""
        return np.unique(self.segments)

    @property
    def columns(self) -> NDArray[np.int64]:
        """The index in ``numbers`` of each row's segment, (rows,)."""
        return np.searchsorted(self.numbers, self.segments)

    @property
    def family_count(self) -> int:
        return int(self.families.max()) + 1

    @property
    def near_duplicates(self) -> float:
        """The share of rows that have a near duplicate."""
        return float((np.bincount(self.families)[self.families] > 1).mean())

    def only(self, chosen: NDArray[np.bool_]) -> Table:
        """Return the rows in the mask ``chosen``, (rows,), with the digest of all rows."""
        return Table(
            segments=self.segments[chosen],
            valid=self.valid[chosen],
            spoken=self.spoken[chosen],
            families=np.unique(self.families[chosen], return_inverse=True)[1],
            counts=_rows_of(self.counts, np.flatnonzero(chosen)),
            digest=self.digest,
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """Out-of-fold margins, (rows, segments), and the fold that held each row out, (rows,)."""

    margins: NDArray[np.float64]
    fold: NDArray[np.int64]


def prepare(rows: Sequence[TrainingRow]) -> Table:
    """Clean, hash and group rows. Families are found on the texts before cleaning.

    Rows without speech have no features, because such creatives are not classified from speech
    either.
    """
    texts = [row.text for row in rows]
    speech = [assess_speech(text) for text in texts]
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.segment}\t{row.split}\t{row.text}\n".encode())
    return Table(
        segments=np.array([row.segment for row in rows], np.int64),
        valid=np.array([row.split == "valid" for row in rows], np.bool_),
        spoken=np.array([one.spoken for one in speech], np.bool_),
        families=families(texts),
        counts=count_grams([one.text if one.spoken else "" for one in speech]),
        digest=digest.hexdigest(),
    )


def fit(
    table: Table,
    chosen: NDArray[np.bool_],
    calibration: Calibration = _PLAIN,
    base: Parameters | None = None,
) -> Parameters:
    """Train a linear model on the chosen rows with speech.

    Args:
        table: The prepared rows.
        chosen: The mask of rows to train on, (rows,).
        calibration: The calibration of the model.
        base: A model whose document frequencies are used instead of those of the chosen rows, so
            that ``blend`` can mix the weights of both.

    Raises:
        ValueError: The chosen rows with speech have fewer than two segments.
    """
    from scipy.sparse import csr_array
    from sklearn.svm import LinearSVC

    rows = np.flatnonzero(chosen & table.spoken)
    counts = _rows_of(table.counts, rows)
    frequencies, texts = np.bincount(counts.bucket, minlength=BUCKETS), len(rows)
    if base is not None:
        frequencies, texts = base.frequencies.astype(np.int64), base.texts
    values = tf_idf(counts, inverse_document_frequency(frequencies, texts))
    used, column = np.unique(counts.bucket, return_inverse=True)
    place = counts.text.astype(np.int32), column.astype(np.int32)  # liblinear's own type
    matrix = csr_array((values, place), shape=(len(rows), len(used)))
    svm = LinearSVC(C=PENALTY, class_weight="balanced", random_state=SEED)
    svm.fit(matrix, table.segments[rows])
    coefficients, intercepts = svm.coef_, svm.intercept_
    if len(svm.classes_) == 2:  # scikit-learn keeps one row for both
        coefficients = np.concatenate([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    scales = np.abs(coefficients).max(axis=1) / 127
    weights = np.zeros((BUCKETS, len(svm.classes_)), np.int8)
    weights[used] = np.rint(coefficients / scales[:, None]).T
    return Parameters(
        weights=weights,
        scales=scales.astype(np.float32),
        intercepts=intercepts.astype(np.float32),
        silent=_silent_margins(table, chosen, svm.classes_, calibration),
        numbers=svm.classes_.astype(np.int64),
        frequencies=frequencies.astype(np.uint32),
        texts=texts,
        shares=np.unique(table.segments[rows], return_counts=True)[1] / len(rows),
        calibration=calibration,
    )


def blend(base: Parameters, other: Parameters, share: float) -> Parameters:
    """Return the weighted mean of two models with the same document frequencies.

    Args:
        base: The first model, with the weight 1 - ``share``.
        other: The second model, with the weight ``share``. The result has its calibration.
        share: The weight of ``other``, 0 to 1. It does not apply to segments that only one of the
            models has.
    """
    numbers = np.union1d(base.numbers, other.numbers)
    wholes = [_expanded(one, numbers) for one in (base, other)]
    known = [np.isin(numbers, one.numbers) for one in (base, other)]
    shares = np.where(~known[0], 1.0, np.where(~known[1], 0.0, share))
    weights, intercepts, silent, frequency = (
        (1 - shares) * first + shares * second for first, second in zip(*wholes, strict=True)
    )
    scales = np.maximum(np.abs(weights).max(axis=0), np.finfo(np.float32).tiny) / 127
    return Parameters(
        weights=np.rint(weights / scales).astype(np.int8),
        scales=scales.astype(np.float32),
        intercepts=intercepts.astype(np.float32),
        silent=silent.astype(np.float32),
        numbers=numbers,
        frequencies=base.frequencies,
        texts=base.texts,
        shares=frequency / frequency.sum(),
        calibration=other.calibration,
    )


def _expanded(one: Parameters, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Return weights, intercepts, silent margins and shares, with zeros for unknown segments."""
    place = np.searchsorted(numbers, one.numbers)
    result = []
    for part in (one.weights * one.scales, one.intercepts, one.silent, one.shares):
        whole = np.zeros((*part.shape[:-1], len(numbers)))
        whole[..., place] = part
        result.append(whole)
    return tuple(result)


def _silent_margins(
    table: Table, chosen: NDArray[np.bool_], numbers: NDArray[np.int64], calibration: Calibration
) -> NDArray[np.float32]:
    """Return the margins of texts without features, (segments,).

    They are calibrated to the shares of the segments among chosen rows without speech, with one
    added to each count.
    """
    silent = table.segments[chosen & ~table.spoken]
    smoothed = 1.0 + (silent[:, None] == numbers).sum(axis=0)
    margins: NDArray[np.float32] = calibration.margins(smoothed / smoothed.sum()).astype(np.float32)
    return margins


def margins_of(table: Table, parameters: Parameters, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the margins, (selected, segments), of the rows with the indexes ``rows``, (selected,).

    The indexes are ascending. Columns are as ``table.numbers``; a segment that the model lacks gets
    a margin far below any other.
    """
    counts = _rows_of(table.counts, rows)
    idf = inverse_document_frequency(parameters.frequencies, parameters.texts)
    result = np.full((len(rows), len(table.numbers)), _UNKNOWN)
    known = np.searchsorted(table.numbers, parameters.numbers)
    result[:, known] = margins(parameters, counts, tf_idf(counts, idf))
    return result


def split(table: Table, seed: int = SEED) -> NDArray[np.int64]:
    """Return the fold of each row, (rows,); families stay together and segments are stratified.

    Raises:
        TooFewRowsError: The rows with speech have too few families, or fewer than two segments in
            several folds.
    """
    fold = grouped_folds(table.segments, table.families, FOLDS, seed)
    family_count = len(np.unique(table.families[table.spoken]))
    segments = segments_in_several(table.segments[table.spoken], fold[table.spoken])
    if family_count < FOLDS or segments < 2:
        raise TooFewRowsError(family_count, segments, FOLDS)
    return fold


def grouped_scores(
    table: Table, seed: int = SEED, progress: Callable[[str], None] = lambda _: None
) -> Scores:
    """Return the out-of-fold margins of all rows, in folds that keep families together.

    Raises:
        TooFewRowsError: There are too few rows for folds.
    """
    fold = split(table, seed)
    result = np.zeros((len(table.segments), len(table.numbers)))
    for number in range(FOLDS):
        outside = np.flatnonzero(fold == number)
        result[outside] = margins_of(table, fit(table, fold != number), outside)
        progress(f"fold {number + 1} of {FOLDS}")
    return Scores(result, fold)


def measure_valid(table: Table) -> dict[str, float]:
    """Return figures on the ``valid`` rows for a model trained on the other rows.

    Raises:
        ValueError: No ``valid`` row has speech, or the other rows with speech have fewer than two
            segments.
    """
    rows = np.flatnonzero(table.valid)
    parameters = fit(table, ~table.valid)
    predicted = table.numbers[margins_of(table, parameters, rows).argmax(axis=1)]
    truth, spoken = table.segments[rows], table.spoken[rows]
    return {
        "macro_f1_valid": macro_f1(truth, predicted),
        "macro_f1_valid_spoken": macro_f1(truth[spoken], predicted[spoken]),
    }


def calibrated(table: Table, scores: Scores) -> NDArray[np.float64]:
    """Return probabilities, (rows, segments), of scores; each fold is calibrated on the others."""
    result = np.zeros_like(scores.margins)
    for number in range(FOLDS):
        rest, here = table.spoken & (scores.fold != number), scores.fold == number
        calibration = best_calibration(scores.margins[rest], table.columns[rest])
        result[here] = calibration.probabilities(scores.margins[here])
    return result


def measure_grouped(table: Table, scores: Scores) -> dict[str, float]:
    """Return figures of out-of-fold scores.

    Each fold is calibrated, and its threshold is chosen, on the other folds.
    """
    numbers, truth, spoken = table.numbers, table.segments, table.spoken
    probabilities = calibrated(table, scores)
    predicted, confidence = numbers[probabilities.argmax(axis=1)], probabilities.max(axis=1)
    correct = predicted == truth
    coverage, precision = measure_coverage(confidence[spoken], correct[spoken], scores.fold[spoken])
    return {
        "macro_f1_grouped": macro_f1(truth, predicted),
        "macro_f1_grouped_spoken": macro_f1(truth[spoken], predicted[spoken]),
        "accuracy_grouped": accuracy(truth[spoken], predicted[spoken]),
        "ece_grouped": expected_calibration_error(confidence[spoken], correct[spoken]),
        "coverage_grouped": coverage,
        "precision_grouped": precision,
    }


def measure_coverage(
    confidence: NDArray[np.float64],
    correct: NDArray[np.bool_],
    fold: NDArray[np.int64],
    precision: float = PRECISION,
    weights: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Measure coverage: the share of predictions that reach the threshold and need no review.

    The threshold of each fold is chosen for ``precision`` on the other folds.

    Args:
        confidence: The probability of the predicted segment, (rows,).
        correct: Whether the prediction is correct, (rows,).
        fold: The fold of each row, (rows,).
        precision: The wanted precision of predictions that reach the threshold, 0 to 1.
        weights: The weight of each row, (rows,); by default 1.

    Returns:
        The coverage, and the precision of the covered predictions (1 if there are none).
    """
    mass = np.ones(len(confidence)) if weights is None else weights
    taken = np.zeros(len(confidence), np.bool_)
    for number in np.unique(fold):
        rest, here = fold != number, fold == number
        least = threshold_for(confidence[rest], correct[rest], precision, mass[rest])
        taken |= here & (confidence >= (np.inf if least is None else least))
    covered = float(mass[taken].sum())
    return (
        covered / float(mass.sum()),
        float(mass[taken & correct].sum()) / covered if covered else 1.0,
    )


def best_calibration(scores: NDArray[np.float64], column: NDArray[np.int64]) -> Calibration:
    """Return the calibration with the least log loss, rounded to four decimal places.

    Args:
        scores: Margins, (rows, segments).
        column: The index of the true segment, (rows,).
    """
    from scipy.optimize import minimize

    rows = np.arange(len(column))

    def loss(point: NDArray[np.float64]) -> float:
        likely = Calibration(float(np.exp(point[0])), float(point[1])).probabilities(scores)
        return float(-np.log(np.maximum(likely[rows, column], 1e-12)).mean())

    best = minimize(loss, np.array([2.0, 2.0]), method="Nelder-Mead")
    return Calibration(round(float(np.exp(best.x[0])), 4), round(float(best.x[1]), 4))


def _rows_of(counts: Counts, rows: NDArray[np.int64]) -> Counts:
    """Return the counts of the rows at ``rows``, which are ascending, numbered from 0."""
    place = np.full(counts.texts, -1, np.int32)
    place[rows] = np.arange(len(rows))
    chosen = place[counts.text] >= 0
    return Counts(
        len(rows), place[counts.text[chosen]], counts.bucket[chosen], counts.count[chosen]
    )
