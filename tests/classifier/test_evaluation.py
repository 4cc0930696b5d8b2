"""Figures of an evaluation, checked by worked examples and scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.evaluation.figures import (
    Automatic,
    Evaluation,
    by_other_folds,
    confusion_matrix,
    evaluate,
    macro_f1_of,
)
from classifier.segments import NUMBERS

UNDECIDED = len(NUMBERS)


def predictions(*rows: tuple[int, float] | None) -> NDArray[np.float64]:
    """Return probabilities of creatives from (predicted column, probability); None is undecided."""
    result = np.full((len(rows), len(NUMBERS)), np.nan)
    for place, row in enumerate(rows):
        if row:
            column, confidence = row
            result[place] = (1 - confidence) / (len(NUMBERS) - 1)
            result[place, column] = confidence
    return result


def at_least_target(probabilities: NDArray[np.float64]) -> Automatic:
    """Return a callable that uses the target precision itself as the threshold."""
    return lambda target: np.nan_to_num(probabilities).max(axis=1) >= target


def evaluated(
    probabilities: NDArray[np.float64], columns: list[int], families: list[int] | None = None
) -> Evaluation:
    groups = None if families is None else np.array(families)
    return evaluate(
        probabilities, np.array(columns), NUMBERS, at_least_target(probabilities), groups
    )


# Two of column 0 (one correct, one undecided), two of column 1 (both correct), one of column 2
# (predicted as column 4).
PREDICTIONS = predictions((0, 0.96), None, (1, 0.99), (1, 0.75), (4, 0.91))
COLUMNS = [0, 0, 1, 1, 2]


def test_figures_of_a_worked_example() -> None:
    found = evaluated(PREDICTIONS, COLUMNS)
    assert (found.rows, found.undecided) == (5, 1)
    # F1: 2/3 of column 0, 1 of column 1, 0 of columns 2 and 4
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 + 0 + 0) / 4)
    assert found.accuracy == pytest.approx(3 / 5)
    scores = [(one.number, one.count, one.precision, one.recall) for one in found.segments]
    assert scores == [
        (NUMBERS[0], 2, 1.0, 0.5), (NUMBERS[1], 2, 1.0, 1.0), (NUMBERS[2], 1, 0.0, 0.0),
        (NUMBERS[4], 0, 0.0, 0.0),
    ]  # fmt: skip
    assert [one.f1 for one in found.segments] == pytest.approx([2 / 3, 1, 0, 0])
    # decided creatives: .75 is correct; two of .91, .96, .99 are correct
    gap = abs(0.75 - 1) + abs(0.91 + 0.96 + 0.99 - 2)
    assert found.ece == pytest.approx(gap / 4)
    assert np.array(found.curve) == pytest.approx(np.array([(0.75, 1, 1), (2.86 / 3, 2 / 3, 3)]))


def test_confusion_has_a_column_for_undecided() -> None:
    confusion = evaluated(PREDICTIONS, COLUMNS).confusion
    assert confusion.shape == (len(NUMBERS), len(NUMBERS) + 1)
    occurring = {(0, 0): 1, (0, UNDECIDED): 1, (1, 1): 2, (2, 4): 1}
    assert {place: int(confusion[place]) for place in zip(*np.nonzero(confusion), strict=True)} == (
        occurring
    )


def test_coverage_is_a_share_of_all_creatives_with_its_precision() -> None:
    ninety, ninety_five, most = evaluated(PREDICTIONS, COLUMNS).coverage
    assert (ninety.target, ninety.share, ninety.precision) == (0.90, 3 / 5, 2 / 3)
    assert (ninety_five.share, ninety_five.precision) == (2 / 5, 1.0)
    assert (most.share, most.precision) == (1 / 5, 1.0)
    nothing = evaluate(
        PREDICTIONS, np.array(COLUMNS), NUMBERS, lambda _: np.zeros(5, np.bool_)
    ).coverage[0]
    assert (nothing.share, nothing.precision) == (0.0, 1.0)


def test_macro_f1_agrees_with_scikit_learn() -> None:
    """Undecided creatives count as missed, but are no segment of their own."""
    from sklearn.metrics import f1_score

    generator = np.random.default_rng(3)
    for _ in range(20):
        columns, predicted = generator.integers(0, 6, (2, 40))
        predicted[generator.random(40) < 0.2] = UNDECIDED
        occurring = np.union1d(columns, predicted[predicted < UNDECIDED])
        expected = f1_score(columns, predicted, labels=occurring, average="macro")
        assert macro_f1_of(confusion_matrix(columns, predicted, len(NUMBERS))) == pytest.approx(
            expected
        )


def test_interval_resamples_families_instead_of_creatives() -> None:
    """Six families of ten creatives must give a wider interval than sixty unrelated creatives."""
    uncertain = predictions(*[(0, 0.8), (1, 0.8), (0, 0.8), (0, 0.8), (1, 0.8), (1, 0.8)] * 10)
    columns = [0, 1, 0, 1, 0, 1] * 10
    by_family = evaluated(uncertain, columns, [*range(6)] * 10)
    without_families = evaluated(uncertain, columns)
    assert by_family.macro_f1 == without_families.macro_f1
    assert by_family.interval[0] < without_families.interval[0] < without_families.macro_f1
    assert without_families.macro_f1 < without_families.interval[1] < by_family.interval[1]
    assert evaluated(uncertain, columns).interval == without_families.interval


def test_interval_reaches_from_the_worst_family_to_the_best() -> None:
    right_and_wrong = predictions((0, 0.8), (1, 0.8))
    assert evaluated(right_and_wrong, [0, 0], [0, 1]).interval == (0.0, 1.0)


def test_curve_has_a_point_for_each_tenth_of_probability() -> None:
    found = evaluated(predictions((0, 0.81), (0, 0.89), (0, 0.95), (0, 1.0)), [0, 1, 0, 0])
    assert np.array(found.curve) == pytest.approx(np.array([(0.85, 0.5, 2), (0.975, 1, 2)]))


def test_evaluation_without_any_decision() -> None:
    found = evaluated(predictions(None, None), [0, 3])
    assert (found.undecided, found.macro_f1, found.accuracy, found.ece) == (2, 0.0, 0.0, 0.0)
    assert found.curve == ()
    assert [one.share for one in found.coverage] == [0.0] * 3


def test_evaluation_without_creatives_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to judge"):
        evaluated(predictions(), [])


def test_evaluation_is_restored_from_json() -> None:
    found = evaluated(PREDICTIONS, COLUMNS)
    again = Evaluation.from_facts(json.loads(json.dumps(found.facts())))
    assert again.facts() == found.facts()
    assert np.array_equal(again.confusion, found.confusion)
    assert again.segments[0].count == 2
    assert again.interval == pytest.approx(found.interval, abs=1e-6)
    with pytest.raises(KeyError):
        Evaluation.from_facts({"rows": 3})
    with pytest.raises(ValueError, match="confusion matrix"):
        Evaluation.from_facts({**found.facts(), "numbers": list(range(5))})


def test_threshold_of_a_fold_comes_from_the_others() -> None:
    """In fold 0 all predictions of .8 are wrong, in fold 1 none."""
    confidence = [0.9] * 40 + [0.8] * 40
    rows = [(0, one) for one in confidence] * 2
    columns = np.array([0] * 40 + [1] * 40 + [0] * 80)
    fold = np.repeat([0, 1], 80)
    automatic = by_other_folds(predictions(*rows), columns, fold)(0.95)
    # The threshold of fold 0 is .8, from fold 1, so its wrong predictions are automatic, too. The
    # threshold of fold 1 is .9.
    assert automatic[fold == 0].all()
    assert automatic[fold == 1].tolist() == [True] * 40 + [False] * 40


def test_undecided_creatives_are_never_automatic() -> None:
    rows = [(0, 0.9)] * 60 + [None] * 20
    columns = np.zeros(80, np.int64)
    automatic = by_other_folds(predictions(*rows), columns, np.arange(80) % 2)(0.9)
    assert automatic.tolist() == [True] * 60 + [False] * 20
