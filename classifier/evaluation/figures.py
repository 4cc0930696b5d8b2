"""Figures of predictions: over all segments, for each segment, calibration and coverage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.metrics import expected_calibration_error
from classifier.segments import NUMBERS
from classifier.types import Numbers

PRECISIONS = (0.90, 0.95, 0.98)
BINS = 10
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """The figures of one segment: ``count`` creatives have it; the scores are from 0 to 1."""

    number: int
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage at a wanted precision, ``target``.

    ``share``: the share of creatives that are decided without a person. ``precision``: the share of
    these that are correct; 1 if there are none.
    """

    target: float
    share: float
    precision: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of ``rows`` labelled creatives.

    ``undecided``: the number of creatives without a prediction; they count as wrong. ``macro_f1``:
    over the segments that occur or are predicted. ``interval``: the central 95 % of macro-F1 over
    bootstrap resamples of families. ``ece``: expected calibration error of creatives with a
    prediction. ``numbers``: the segments of ``confusion``, (segments, segments + 1), which has a
    row for each true segment, a column for each predicted one, and a last column for undecided.
    ``curve``: (mean probability, accuracy, number of creatives) for each tenth of probabilities
    that occurs.
    """

    rows: int
    undecided: int
    macro_f1: float
    interval: tuple[float, float]
    accuracy: float
    ece: float
    segments: tuple[SegmentScore, ...]
    numbers: Numbers
    confusion: NDArray[np.int64]
    curve: tuple[tuple[float, float, int], ...]
    coverage: tuple[Coverage, ...]

    def facts(self) -> dict[str, Any]:
        """Return the figures as JSON values for a manifest."""
        return {
            "rows": self.rows,
            "undecided": self.undecided,
            "macro_f1": round(self.macro_f1, 6),
            "interval": [round(end, 6) for end in self.interval],
            "accuracy": round(self.accuracy, 6),
            "ece": round(self.ece, 6),
            "segments": {
                str(one.number): [
                    one.count, round(one.precision, 4), round(one.recall, 4), round(one.f1, 4)
                ]
                for one in self.segments
            },
            "numbers": list(self.numbers),
            "confusion": self.confusion.tolist(),
            "curve": [[round(a, 4), round(b, 4), n] for a, b, n in self.curve],
            "coverage": {
                str(one.target): [round(one.share, 4), round(one.precision, 4)]
                for one in self.coverage
            },
        }  # fmt: skip

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation of a manifest's facts; the inverse of ``facts``.

        Facts of version 0.2 and older have no ``numbers``: they are ``segments.NUMBERS``.

        Raises:
            KeyError, TypeError, ValueError: The facts have another structure, or a confusion matrix
                of other segments than ``numbers``.
        """
        low, high = facts["interval"]
        numbers = tuple(facts.get("numbers", NUMBERS))
        confusion = np.array(facts["confusion"], np.int64)
        if confusion.shape != (len(numbers), len(numbers) + 1):
            raise ValueError(f"a confusion matrix {confusion.shape} of {len(numbers)} segments")
        return cls(
            rows=int(facts["rows"]),
            undecided=int(facts["undecided"]),
            macro_f1=float(facts["macro_f1"]),
            interval=(float(low), float(high)),
            accuracy=float(facts["accuracy"]),
            ece=float(facts["ece"]),
            segments=tuple(SegmentScore(int(n), *row) for n, row in facts["segments"].items()),
            numbers=numbers,
            confusion=confusion,
            curve=tuple((a, b, n) for a, b, n in facts["curve"]),
            coverage=tuple(Coverage(float(t), *row) for t, row in facts["coverage"].items()),
        )


Automatic = Callable[[float], NDArray[np.bool_]]
"""Maps a wanted precision to the mask of creatives that need no person, (creatives,)."""


def evaluate(
    probabilities: NDArray[np.float64],
    columns: NDArray[np.integer[Any]],
    numbers: Numbers,
    automatic: Automatic,
    families: NDArray[np.integer[Any]] | None = None,
    precisions: Sequence[float] = PRECISIONS,
) -> Evaluation:
    """Evaluate predictions on labelled creatives.

    Args:
        probabilities: (creatives, segments); a row of NaN is undecided.
        columns: (creatives,); the index of the true segment in ``numbers``.
        numbers: The segments, in the order of the columns of ``probabilities``.
        automatic: Returns which creatives need no person, at a wanted precision.
        families: (creatives,); the family number of each creative. Families are resampled as a
            whole. By default each creative is a family of its own.
        precisions: The wanted precisions for which coverage is measured.

    Raises:
        ValueError: There are no creatives.
    """
    if not len(columns):
        raise ValueError("there is nothing to judge")
    decided = ~np.isnan(probabilities[:, 0])
    filled = np.nan_to_num(probabilities)
    predicted = np.where(decided, filled.argmax(axis=1), len(numbers))
    correct = predicted == columns
    confusion = confusion_matrix(columns, predicted, len(numbers))
    confidence = filled.max(axis=1)
    groups = np.arange(len(columns)) if families is None else families
    return Evaluation(
        rows=len(columns),
        undecided=int((~decided).sum()),
        macro_f1=macro_f1_of(confusion),
        interval=_interval(columns, predicted, groups, len(numbers)),
        accuracy=float(correct.mean()),
        ece=expected_calibration_error(confidence[decided], correct[decided])
        if decided.any()
        else 0.0,
        segments=tuple(_scores(confusion, numbers)),
        numbers=numbers,
        confusion=confusion,
        curve=_curve(confidence[decided], correct[decided]),
        coverage=tuple(_coverage(target, automatic(target), correct) for target in precisions),
    )


def confusion_matrix(
    columns: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], segments: int
) -> NDArray[np.int64]:
    """Return counts, (segments, segments + 1), by the index of the true and predicted segment.

    ``columns`` and ``predicted`` are (creatives,); in ``predicted`` the number ``segments`` means
    undecided.
    """
    result = np.zeros((segments, segments + 1), np.int64)
    np.add.at(result, (columns, predicted), 1)
    return result


def macro_f1_of(confusion: NDArray[np.int64]) -> float:
    """Return the mean F1 over the segments that occur or are predicted.

    ``confusion``: the result of ``confusion_matrix``, (segments, columns).
    """
    hits = np.diagonal(confusion)
    weight = confusion.sum(axis=1) + confusion[:, :-1].sum(axis=0)
    occurs = weight > 0
    return float((2 * hits[occurs] / weight[occurs]).mean())


def _scores(confusion: NDArray[np.int64], numbers: Numbers) -> list[SegmentScore]:
    result = []
    for place, number in enumerate(numbers):
        hits = int(confusion[place, place])
        actual_count, predicted_count = int(confusion[place].sum()), int(confusion[:, place].sum())
        if actual_count or predicted_count:
            result.append(
                SegmentScore(
                    number,
                    actual_count,
                    hits / predicted_count if predicted_count else 0.0,
                    hits / actual_count if actual_count else 0.0,
                    2 * hits / (actual_count + predicted_count),
                )
            )
    return result


def _interval(
    columns: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    families: NDArray[np.integer[Any]],
    segments: int,
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of macro-F1; whole families are drawn with replacement."""
    numbers, place = np.unique(families, return_inverse=True)
    generator = np.random.default_rng(0)
    resampled = []
    for _ in range(RESAMPLES):
        times = np.bincount(
            generator.integers(0, len(numbers), len(numbers)), minlength=len(numbers)
        )
        confusion = np.zeros((segments, segments + 1), np.int64)
        np.add.at(confusion, (columns, predicted), times[place])
        resampled.append(macro_f1_of(confusion))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(low), float(high)


def _curve(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_]
) -> tuple[tuple[float, float, int], ...]:
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    return tuple(
        (float(confidence[here].mean()), float(correct[here].mean()), int(here.sum()))
        for here in (place == number for number in range(BINS))
        if here.any()
    )


def _coverage(
    target: float, automatic_rows: NDArray[np.bool_], correct: NDArray[np.bool_]
) -> Coverage:
    hits = float(correct[automatic_rows].mean()) if automatic_rows.any() else 1.0
    return Coverage(target, float(automatic_rows.mean()), hits)


def by_other_folds(
    probabilities: NDArray[np.float64],
    columns: NDArray[np.integer[Any]],
    fold: NDArray[np.integer[Any]],
) -> Automatic:
    """Return the ``automatic`` of out-of-fold predictions; thresholds come from the other folds.

    Args:
        probabilities: Out-of-fold probabilities, (creatives, segments); a row of NaN is undecided.
        columns: The index of the true segment among the columns of ``probabilities``, (creatives,).
        fold: The fold of each creative, (creatives,).
    """
    from classifier.evaluation.metrics import threshold_for

    filled = np.nan_to_num(probabilities)
    confidence, correct = filled.max(axis=1), filled.argmax(axis=1) == columns

    def automatic(target: float) -> NDArray[np.bool_]:
        automatic_rows = np.zeros(len(confidence), np.bool_)
        for number in np.unique(fold):
            rest = (fold != number) & (confidence > 0)
            least = threshold_for(confidence[rest], correct[rest], target) if rest.any() else None
            automatic_rows |= (fold == number) & (
                confidence >= (np.inf if least is None else least)
            )
        return automatic_rows

    return automatic
