"""What an evaluation says, against worked examples and against scikit-learn."""

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


def said(*rows: tuple[int, float] | None) -> NDArray[np.float64]:
    """Probabilities of creatives: the decided column and how sure, or None for undecided."""
    result = np.full((len(rows), len(NUMBERS)), np.nan)
    for place, row in enumerate(rows):
        if row:
            column, sure = row
            result[place] = (1 - sure) / (len(NUMBERS) - 1)
            result[place, column] = sure
    return result


def surer_than(probabilities: NDArray[np.float64]) -> Automatic:
    """Decides by itself what is at least as sure as the target."""
    return lambda target: np.nan_to_num(probabilities).max(axis=1) >= target


def judged(
    probabilities: NDArray[np.float64], columns: list[int], families: list[int] | None = None
) -> Evaluation:
    groups = None if families is None else np.array(families)
    return evaluate(probabilities, np.array(columns), surer_than(probabilities), groups)


# Two of column 0 (one found, one undecided), two of column 1 (both found), one of column 2 that
# is taken for column 4.
SAID = said((0, 0.96), None, (1, 0.99), (1, 0.75), (4, 0.91))
COLUMNS = [0, 0, 1, 1, 2]


def test_the_figures_of_a_worked_example() -> None:
    found = judged(SAID, COLUMNS)
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
    # among the decided: .75 right, and .91, .96, .99 two thirds right
    gap = abs(0.75 - 1) + abs(0.91 + 0.96 + 0.99 - 2)
    assert found.ece == pytest.approx(gap / 4)
    assert np.array(found.curve) == pytest.approx(np.array([(0.75, 1, 1), (2.86 / 3, 2 / 3, 3)]))


def test_the_confusion_has_a_column_for_the_undecided() -> None:
    confusion = judged(SAID, COLUMNS).confusion
    assert confusion.shape == (len(NUMBERS), len(NUMBERS) + 1)
    there = {(0, 0): 1, (0, UNDECIDED): 1, (1, 1): 2, (2, 4): 1}
    assert {place: int(confusion[place]) for place in zip(*np.nonzero(confusion), strict=True)} == (
        there
    )


def test_coverage_counts_all_creatives_and_says_how_many_are_right() -> None:
    ninety, ninety_five, most = judged(SAID, COLUMNS).coverage
    assert (ninety.target, ninety.share, ninety.precision) == (0.90, 3 / 5, 2 / 3)
    assert (ninety_five.share, ninety_five.precision) == (2 / 5, 1.0)
    assert (most.share, most.precision) == (1 / 5, 1.0)
    nothing = evaluate(SAID, np.array(COLUMNS), lambda _: np.zeros(5, np.bool_)).coverage[0]
    assert (nothing.share, nothing.precision) == (0.0, 1.0)


def test_macro_f1_agrees_with_scikit_learn() -> None:
    """Also where some are undecided: they are missed, but no segment of their own."""
    from sklearn.metrics import f1_score

    dice = np.random.default_rng(3)
    for _ in range(20):
        columns, guess = dice.integers(0, 6, (2, 40))
        guess[dice.random(40) < 0.2] = UNDECIDED
        there = np.union1d(columns, guess[guess < UNDECIDED])
        expected = f1_score(columns, guess, labels=there, average="macro")
        assert macro_f1_of(confusion_matrix(columns, guess)) == pytest.approx(expected)


def test_the_interval_draws_families_not_creatives() -> None:
    """Ten copies of each of six creatives say no more than the six do."""
    guesses = said(*[(0, 0.8), (1, 0.8), (0, 0.8), (0, 0.8), (1, 0.8), (1, 0.8)] * 10)
    columns = [0, 1, 0, 1, 0, 1] * 10
    copies = judged(guesses, columns, [*range(6)] * 10)
    alone = judged(guesses, columns)
    assert copies.macro_f1 == alone.macro_f1
    assert copies.interval[0] < alone.interval[0] < alone.macro_f1
    assert alone.macro_f1 < alone.interval[1] < copies.interval[1]
    assert judged(guesses, columns).interval == alone.interval


def test_nobody_decided() -> None:
    found = judged(said(None, None), [0, 3])
    assert (found.undecided, found.macro_f1, found.accuracy, found.ece) == (2, 0.0, 0.0, 0.0)
    assert found.curve == ()
    assert [one.share for one in found.coverage] == [0.0] * 3


def test_nothing_to_judge_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to judge"):
        judged(said(), [])


def test_it_comes_back_from_the_json_of_a_manifest() -> None:
    found = judged(SAID, COLUMNS)
    again = Evaluation.from_facts(json.loads(json.dumps(found.facts())))
    assert again.facts() == found.facts()
    assert np.array_equal(again.confusion, found.confusion)
    assert again.segments[0].count == 2
    assert again.interval == pytest.approx(found.interval, abs=1e-6)
    with pytest.raises(KeyError):
        Evaluation.from_facts({"rows": 3})


def test_a_fold_takes_its_threshold_from_the_others() -> None:
    """Fold 0 errs wherever it is at most .8 sure, fold 1 never does."""
    sure = [0.9] * 40 + [0.8] * 40
    rows = [(0, one) for one in sure] * 2
    columns = np.array([0] * 40 + [1] * 40 + [0] * 80)
    fold = np.repeat([0, 1], 80)
    taken = by_other_folds(said(*rows), columns, fold)(0.95)
    # Fold 1 says that .8 is enough, so fold 0 takes its errors, too; fold 0 says .9 to fold 1.
    assert taken[fold == 0].all()
    assert taken[fold == 1].tolist() == [True] * 40 + [False] * 40


def test_what_is_undecided_never_decides_by_itself() -> None:
    rows = [(0, 0.9)] * 60 + [None] * 20
    columns = np.zeros(80, np.int64)
    taken = by_other_folds(said(*rows), columns, np.arange(80) % 2)(0.9)
    assert taken.tolist() == [True] * 60 + [False] * 20
