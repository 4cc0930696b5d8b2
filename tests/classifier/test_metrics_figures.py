"""Metrics, checked by worked examples and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.evaluation.metrics import (
    accuracy,
    expected_calibration_error,
    macro_f1,
    threshold_for,
)


def test_macro_f1_of_a_worked_example() -> None:
    # class 0: 1 hit, 2 true, 1 predicted, F1 2/3; class 1: 1 hit, 1 true, 2 predicted, F1 2/3
    assert macro_f1([0, 0, 1], [0, 1, 1]) == pytest.approx(2 / 3)


def test_f1_of_a_class_that_is_only_predicted_is_zero() -> None:
    assert macro_f1([0, 0], [0, 9]) == pytest.approx((2 / 3 + 0) / 2)


def test_macro_f1_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    generator = np.random.default_rng(3)
    for _ in range(20):
        truth, predicted = generator.integers(0, 6, (2, 40))
        assert macro_f1(truth, predicted) == pytest.approx(
            f1_score(truth, predicted, average="macro")
        )


def test_accuracy() -> None:
    assert accuracy([1, 2, 3, 4], [1, 2, 3, 0]) == 0.75


def test_calibration_error_of_a_worked_example() -> None:
    # two predictions of .75, one correct; two of .95, both correct: (|1.5-1| + |1.9-2|) / 4
    error = expected_calibration_error([0.75, 0.75, 0.95, 0.95], [True, False, True, True])
    assert error == pytest.approx(0.15)


def test_confidence_of_one_belongs_to_the_last_bin() -> None:
    # in one bin: |1.95 - 1| / 2; in two bins it would be (|1 - 0| + |0.95 - 1|) / 2
    assert expected_calibration_error([1.0, 0.95], [False, True]) == pytest.approx(0.475)


def test_empty_and_unequal_arrays_are_refused() -> None:
    for figure in (accuracy, macro_f1, expected_calibration_error):
        with pytest.raises(ValueError, match="empty"):
            figure([], [])
        with pytest.raises(ValueError, match="one shape"):
            figure([1, 2], [1])


def test_weights_of_another_shape_are_refused() -> None:
    for confidence, weights in (([0.9, 0.8], [1.0]), ([0.9], [1.0, 1.0])):
        with pytest.raises(ValueError, match="weights of shape"):
            threshold_for(confidence, [True] * len(confidence), 0.9, weights)


def test_threshold_is_the_lowest_with_the_precision() -> None:
    confidence = [0.99] * 60 + [0.8] * 60 + [0.5] * 10
    correct = [True] * 60 + [True] * 56 + [False] * 14
    assert threshold_for(confidence, correct, 0.95) == 0.8
    assert threshold_for(confidence, correct, 0.98) == 0.99
    assert threshold_for(confidence, correct, 0.8) == 0.5


def test_no_threshold_from_a_few_correct_predictions() -> None:
    assert threshold_for([0.9, 0.8], [True, True], 0.95) is None


def test_threshold_includes_all_predictions_of_equal_confidence() -> None:
    assert threshold_for([0.7] * 100, [True] * 90 + [False] * 10, 0.95) is None


def test_weights_change_the_threshold() -> None:
    confidence = [0.9] * 40 + [0.6] * 40
    correct = [True] * 40 + [True] * 20 + [False] * 20
    weights = [1.0] * 60 + [0.01] * 20
    assert threshold_for(confidence, correct, 0.9) == 0.9
    assert threshold_for(confidence, correct, 0.9, weights) == 0.6
