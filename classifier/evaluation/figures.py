"""What a set of decisions is worth: figures over all segments, for each, and for its doubts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.metrics import expected_calibration_error
from classifier.segments import NUMBERS

PRECISIONS = (0.90, 0.95, 0.98)
BINS = 10
RESAMPLES = 1000
_UNDECIDED = len(NUMBERS)


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """One segment: how many creatives are of it, and how well it is found (0 to 1)."""

    number: int
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """``share`` of all creatives decide by themselves when ``target`` precision is asked for;
    ``precision`` of those are right (1 where there is none)."""

    target: float
    share: float
    precision: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of ``rows`` labelled creatives.

    ``macro_f1``: over the segments that occur or are predicted; creatives without a decision
    (``undecided``) count as missed. ``interval``: the middle 95 % of macro-F1 over resamples of
    families. ``ece``: expected calibration error of the decided. ``confusion`` (18, 19): rows the
    true segment, columns the decided one, the last one undecided. ``curve``: mean probability,
    accuracy and number of creatives of each tenth of probabilities that occurs.
    """

    rows: int
    undecided: int
    macro_f1: float
    interval: tuple[float, float]
    accuracy: float
    ece: float
    segments: tuple[SegmentScore, ...]
    confusion: NDArray[np.int64]
    curve: tuple[tuple[float, float, int], ...]
    coverage: tuple[Coverage, ...]

    def facts(self) -> dict[str, Any]:
        """JSON values for a manifest."""
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
            "confusion": self.confusion.tolist(),
            "curve": [[round(a, 4), round(b, 4), n] for a, b, n in self.curve],
            "coverage": {
                str(one.target): [round(one.share, 4), round(one.precision, 4)]
                for one in self.coverage
            },
        }  # fmt: skip

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Evaluation:
        """Read back what ``facts`` gave; raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        low, high = facts["interval"]
        return cls(
            rows=int(facts["rows"]),
            undecided=int(facts["undecided"]),
            macro_f1=float(facts["macro_f1"]),
            interval=(float(low), float(high)),
            accuracy=float(facts["accuracy"]),
            ece=float(facts["ece"]),
            segments=tuple(SegmentScore(int(n), *row) for n, row in facts["segments"].items()),
            confusion=np.array(facts["confusion"], np.int64),
            curve=tuple((a, b, n) for a, b, n in facts["curve"]),
            coverage=tuple(Coverage(float(t), *row) for t, row in facts["coverage"].items()),
        )


Automatic = Callable[[float], NDArray[np.bool_]]
"""From a target precision to which creatives decide by themselves, (creatives,)."""


def evaluate(
    probabilities: NDArray[np.float64],
    columns: NDArray[np.integer[Any]],
    automatic: Automatic,
    families: NDArray[np.integer[Any]] | None = None,
    precisions: Sequence[float] = PRECISIONS,
) -> Evaluation:
    """Judge ``probabilities`` (creatives, 18; NaN rows are undecided) by ``columns``, the places
    of the true segments in ``NUMBERS``. ``families`` (creatives,): near duplicates, resampled
    together; without them each creative is its own.

    Raises ``ValueError`` when there is nothing to judge.
    """
    if not len(columns):
        raise ValueError("there is nothing to judge")
    decided = ~np.isnan(probabilities[:, 0])
    known = np.nan_to_num(probabilities)
    predicted = np.where(decided, known.argmax(axis=1), _UNDECIDED)
    right = predicted == columns
    confusion = confusion_matrix(columns, predicted)
    sure = known.max(axis=1)
    groups = np.arange(len(columns)) if families is None else families
    return Evaluation(
        rows=len(columns),
        undecided=int((~decided).sum()),
        macro_f1=macro_f1_of(confusion),
        interval=_interval(columns, predicted, groups),
        accuracy=float(right.mean()),
        ece=expected_calibration_error(sure[decided], right[decided]) if decided.any() else 0.0,
        segments=tuple(_scores(confusion)),
        confusion=confusion,
        curve=_curve(sure[decided], right[decided]),
        coverage=tuple(_coverage(target, automatic(target), right) for target in precisions),
    )


def confusion_matrix(
    columns: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Counts (18, 19) of the true segment's place by the predicted one's, 18 for undecided."""
    result = np.zeros((len(NUMBERS), len(NUMBERS) + 1), np.int64)
    np.add.at(result, (columns, predicted), 1)
    return result


def macro_f1_of(confusion: NDArray[np.int64]) -> float:
    """The mean F1 over the segments that occur or are predicted."""
    hits = np.diagonal(confusion)
    weight = confusion.sum(axis=1) + confusion[:, :-1].sum(axis=0)
    there = weight > 0
    return float((2 * hits[there] / weight[there]).mean())


def _scores(confusion: NDArray[np.int64]) -> list[SegmentScore]:
    result = []
    for place, number in enumerate(NUMBERS):
        hits = int(confusion[place, place])
        true, guessed = int(confusion[place].sum()), int(confusion[:, place].sum())
        if true or guessed:
            result.append(
                SegmentScore(
                    number,
                    true,
                    hits / guessed if guessed else 0.0,
                    hits / true if true else 0.0,
                    2 * hits / (true + guessed),
                )
            )
    return result


def _interval(
    columns: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    families: NDArray[np.integer[Any]],
) -> tuple[float, float]:
    """Families are drawn with replacement; each brings all its creatives."""
    names, place = np.unique(families, return_inverse=True)
    dice = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(dice.integers(0, len(names), len(names)), minlength=len(names))
        confusion = np.zeros((len(NUMBERS), len(NUMBERS) + 1), np.int64)
        np.add.at(confusion, (columns, predicted), times[place])
        drawn.append(macro_f1_of(confusion))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _curve(
    sure: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[tuple[float, float, int], ...]:
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    return tuple(
        (float(sure[here].mean()), float(right[here].mean()), int(here.sum()))
        for here in (place == number for number in range(BINS))
        if here.any()
    )


def _coverage(target: float, taken: NDArray[np.bool_], right: NDArray[np.bool_]) -> Coverage:
    hits = float(right[taken].mean()) if taken.any() else 1.0
    return Coverage(target, float(taken.mean()), hits)


def by_other_folds(
    probabilities: NDArray[np.float64],
    columns: NDArray[np.integer[Any]],
    fold: NDArray[np.integer[Any]],
) -> Automatic:
    """Thresholds for each fold chosen on the others: an honest ``automatic`` of what was said
    out of fold."""
    from classifier.evaluation.metrics import threshold_for

    known = np.nan_to_num(probabilities)
    sure, right = known.max(axis=1), known.argmax(axis=1) == columns

    def automatic(target: float) -> NDArray[np.bool_]:
        taken = np.zeros(len(sure), np.bool_)
        for number in np.unique(fold):
            rest = (fold != number) & (sure > 0)
            least = threshold_for(sure[rest], right[rest], target) if rest.any() else None
            taken |= (fold == number) & (sure >= (np.inf if least is None else least))
        return taken

    return automatic
