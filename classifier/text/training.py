"""Learning the text model from labelled transcripts, and measuring it honestly.

scikit-learn trains, numpy predicts. What is measured never taught: folds keep families of near
duplicates together, and each is calibrated on the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.metrics import (
    accuracy,
    expected_calibration_error,
    macro_f1,
    threshold_for,
)
from classifier.speech.cleaning import assess_speech
from classifier.text.families import families
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
_UNKNOWN = -10.0  # far below any margin: a segment that the training rows did not hold


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One labelled transcript; ``segment`` is canonical (6 is read as 0)."""

    segment: int
    text: str
    split: str


@dataclass(frozen=True, slots=True)
class Table:
    """Training rows made ready: cleaned, hashed, sorted into families. All arrays (rows,)."""

    segments: NDArray[np.int64]
    valid: NDArray[np.bool_]
    spoken: NDArray[np.bool_]
    families: NDArray[np.int64]
    counts: Counts
    digest: str

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The segments that occur, ascending: the columns of all margins."""
        return np.unique(self.segments)

    @property
    def columns(self) -> NDArray[np.int64]:
        """The column of each row's segment."""
        return np.searchsorted(self.numbers, self.segments)

    @property
    def family_count(self) -> int:
        return int(self.families.max()) + 1

    @property
    def near_duplicates(self) -> float:
        """The share of rows that have a near duplicate."""
        return float((np.bincount(self.families)[self.families] > 1).mean())

    def only(self, chosen: NDArray[np.bool_]) -> Table:
        """The ``chosen`` rows (rows,) in their order; the digest stays that of the whole."""
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
    """Out-of-fold margins (rows, segments) and the fold in which each row was held out."""

    margins: NDArray[np.float64]
    fold: NDArray[np.int64]


def prepare(rows: Sequence[TrainingRow]) -> Table:
    """Clean, hash and group rows; families are found on the texts as they came.

    What is left of a row in which nobody speaks counts as nothing, as it does in use.
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
    """Train on the ``chosen`` rows, without those in which nobody speaks: their words are none.

    N-grams are counted as rare as in these rows, or as in ``base``, so that the weights of both
    can be mixed (``blend``).
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
    machine = LinearSVC(C=PENALTY, class_weight="balanced", random_state=SEED)
    machine.fit(matrix, table.segments[rows])
    coefficients, intercepts = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:  # scikit-learn keeps one row for both
        coefficients = np.concatenate([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    scales = np.abs(coefficients).max(axis=1) / 127
    weights = np.zeros((BUCKETS, len(machine.classes_)), np.int8)
    weights[used] = np.rint(coefficients / scales[:, None]).T
    return Parameters(
        weights=weights,
        scales=scales.astype(np.float32),
        intercepts=intercepts.astype(np.float32),
        silent=_silent_margins(table, chosen, machine.classes_, calibration),
        numbers=machine.classes_.astype(np.int64),
        frequencies=frequencies.astype(np.uint32),
        texts=texts,
        shares=np.unique(table.segments[rows], return_counts=True)[1] / len(rows),
        calibration=calibration,
    )


def blend(base: Parameters, other: Parameters, share: float) -> Parameters:
    """The mean of two models with one count of n-grams: ``other`` weighs ``share``, 0 to 1.

    A segment that only one of them knows is as it is there. The calibration is that of ``other``.
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
    """Weights, intercepts, silent margins and shares, with a column of 0 for what is unknown."""
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
    """The margins of texts that hold nothing: the shares of chosen rows in which nobody speaks,
    each segment counted once more than it occurs."""
    silent = table.segments[chosen & ~table.spoken]
    times = 1.0 + (silent[:, None] == numbers).sum(axis=0)
    margins: NDArray[np.float32] = calibration.margins(times / times.sum()).astype(np.float32)
    return margins


def margins_of(table: Table, parameters: Parameters, rows: NDArray[np.int64]) -> NDArray[Any]:
    """The margins that ``parameters`` give to some rows, one column for each of ``numbers``."""
    counts = _rows_of(table.counts, rows)
    idf = inverse_document_frequency(parameters.frequencies, parameters.texts)
    result = np.full((len(rows), len(table.numbers)), _UNKNOWN)
    known = np.searchsorted(table.numbers, parameters.numbers)
    result[:, known] = margins(parameters, counts, tf_idf(counts, idf))
    return result


def grouped_scores(
    table: Table, seed: int = SEED, progress: Callable[[str], None] = lambda _: None
) -> Scores:
    """Out-of-fold margins of all rows, by folds that never part a family."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    result = np.zeros((len(table.segments), len(table.numbers)))
    fold = np.zeros(len(table.segments), np.int64)
    parts = folds.split(table.segments, table.segments, table.families)
    for number, (inside, outside) in enumerate(parts):
        chosen = np.zeros(len(table.segments), np.bool_)
        chosen[inside] = True
        result[outside] = margins_of(table, fit(table, chosen), outside)
        fold[outside] = number
        progress(f"fold {number + 1} of {FOLDS}")
    return Scores(result, fold)


def measure_valid(table: Table) -> dict[str, float]:
    """Figures on the ``valid`` rows of a model that saw only the ``train`` rows."""
    rows = np.flatnonzero(table.valid)
    parameters = fit(table, ~table.valid)
    predicted = table.numbers[margins_of(table, parameters, rows).argmax(axis=1)]
    truth, heard = table.segments[rows], table.spoken[rows]
    return {
        "macro_f1_valid": macro_f1(truth, predicted),
        "macro_f1_valid_spoken": macro_f1(truth[heard], predicted[heard]),
    }


def calibrated(table: Table, scores: Scores) -> NDArray[np.float64]:
    """Probabilities of out-of-fold scores; each fold is calibrated on the others."""
    result = np.zeros_like(scores.margins)
    for number in range(FOLDS):
        rest, here = table.spoken & (scores.fold != number), scores.fold == number
        calibration = best_calibration(scores.margins[rest], table.columns[rest])
        result[here] = calibration.probabilities(scores.margins[here])
    return result


def measure_grouped(table: Table, scores: Scores) -> dict[str, float]:
    """Figures of out-of-fold scores, calibration and threshold of each fold from the others."""
    numbers, truth, heard = table.numbers, table.segments, table.spoken
    probabilities = calibrated(table, scores)
    predicted, sure = numbers[probabilities.argmax(axis=1)], probabilities.max(axis=1)
    right = predicted == truth
    coverage, precision = measure_coverage(sure[heard], right[heard], scores.fold[heard])
    return {
        "macro_f1_grouped": macro_f1(truth, predicted),
        "macro_f1_grouped_spoken": macro_f1(truth[heard], predicted[heard]),
        "accuracy_grouped": accuracy(truth[heard], predicted[heard]),
        "ece_grouped": expected_calibration_error(sure[heard], right[heard]),
        "coverage_grouped": coverage,
        "precision_grouped": precision,
    }


def measure_coverage(
    sure: NDArray[np.float64],
    right: NDArray[np.bool_],
    fold: NDArray[np.int64],
    precision: float = PRECISION,
    weights: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """The share of predictions that may go unreviewed, and how many of those are right.

    The threshold for each fold is chosen for ``precision`` on the others. Without any such
    prediction the precision is 1.
    """
    mass = np.ones(len(sure)) if weights is None else weights
    taken = np.zeros(len(sure), np.bool_)
    for number in np.unique(fold):
        rest, here = fold != number, fold == number
        least = threshold_for(sure[rest], right[rest], precision, mass[rest])
        taken |= here & (sure >= (np.inf if least is None else least))
    kept = float(mass[taken].sum())
    return kept / float(mass.sum()), float(mass[taken & right].sum()) / kept if kept else 1.0


def best_calibration(scores: NDArray[np.float64], column: NDArray[np.int64]) -> Calibration:
    """The calibration with the least log loss, to four digits.

    ``column`` is the place of the true segment in each row of ``scores``.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(column))

    def loss(point: NDArray[np.float64]) -> float:
        likely = Calibration(float(np.exp(point[0])), float(point[1])).probabilities(scores)
        return float(-np.log(np.maximum(likely[rows, column], 1e-12)).mean())

    best = minimize(loss, np.array([2.0, 2.0]), method="Nelder-Mead")
    return Calibration(round(float(np.exp(best.x[0])), 4), round(float(best.x[1]), 4))


def _rows_of(counts: Counts, rows: NDArray[np.int64]) -> Counts:
    """The counts of some rows, renumbered in the order of ``rows`` (ascending)."""
    place = np.full(counts.texts, -1, np.int64)
    place[rows] = np.arange(len(rows))
    kept = place[counts.text] >= 0
    return Counts(len(rows), place[counts.text[kept]], counts.bucket[kept], counts.count[kept])
