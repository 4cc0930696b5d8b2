"""The figures against worked examples and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.evaluation.metrics import (
    accuracy,
    expected_calibration_error,
    macro_f1,
    threshold_for,
)


def test_macro_f1_by_hand() -> None:
    # class 0: 1 hit of 2 true, 1 predicted: 2/3; class 1: 1 of 1 true, 2 predicted: 2/3
    assert macro_f1([0, 0, 1], [0, 1, 1]) == pytest.approx(2 / 3)


def test_a_class_that_is_only_predicted_counts_as_nothing() -> None:
    assert macro_f1([0, 0], [0, 9]) == pytest.approx((2 / 3 + 0) / 2)


def test_macro_f1_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    generator = np.random.default_rng(3)
    for _ in range(20):
        truth, guess = generator.integers(0, 6, (2, 40))
        assert macro_f1(truth, guess) == pytest.approx(f1_score(truth, guess, average="macro"))


def test_accuracy() -> None:
    assert accuracy([1, 2, 3, 4], [1, 2, 0, 0]) == 0.5


def test_calibration_error_by_hand() -> None:
    # two predictions of .75 half right, two of .95 both right: (|1.5-1| + |1.9-2|) / 4
    error = expected_calibration_error([0.75, 0.75, 0.95, 0.95], [True, False, True, True])
    assert error == pytest.approx(0.15)


def test_calibration_error_takes_full_confidence_into_the_last_bin() -> None:
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0.0


def test_nothing_to_judge_is_an_error() -> None:
    for figure in (accuracy, macro_f1, expected_calibration_error):
        with pytest.raises(ValueError, match="nothing"):
            figure([], [])
        with pytest.raises(ValueError, match="equally long"):
            figure([1, 2], [1])


def test_the_threshold_is_the_lowest_that_is_precise_enough() -> None:
    sure = [0.99] * 60 + [0.8] * 60 + [0.5] * 10
    right = [True] * 60 + [True] * 56 + [False] * 14
    assert threshold_for(sure, right, 0.95) == 0.8
    assert threshold_for(sure, right, 0.98) == 0.99
    assert threshold_for(sure, right, 0.8) == 0.5


def test_a_few_lucky_predictions_promise_nothing() -> None:
    assert threshold_for([0.9, 0.8], [True, True], 0.95) is None


def test_equal_confidences_are_never_parted() -> None:
    assert threshold_for([0.7] * 100, [True] * 90 + [False] * 10, 0.95) is None


def test_what_is_frequent_weighs_more() -> None:
    sure = [0.9] * 40 + [0.6] * 40
    right = [True] * 40 + [True] * 20 + [False] * 20
    weights = [1.0] * 60 + [0.01] * 20
    assert threshold_for(sure, right, 0.9) == 0.9
    assert threshold_for(sure, right, 0.9, weights) == 0.6
