"""Metrics of classifiers as plain functions of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of correct predictions.

    ``truth`` and ``predicted`` are the true and predicted classes, (predictions,).

    Raises:
        ValueError: The arrays are empty, or their lengths differ.
    """
    labels, predictions = _pair(truth, predicted)
    return float(np.mean(labels == predictions))


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean F1 over the classes that occur in ``truth`` or in ``predicted``.

    The F1 of a class that is only predicted is 0, as in scikit-learn's ``f1_score``. Both arrays
    are (predictions,).

    Raises:
        ValueError: The arrays are empty, or their lengths differ.
    """
    labels, predictions = _pair(truth, predicted)
    scores = []
    for label in np.union1d(labels, predictions):
        hits = np.sum((labels == label) & (predictions == label))
        scores.append(2.0 * hits / (np.sum(labels == label) + np.sum(predictions == label)))
    return float(np.mean(scores))


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = 10) -> float:
    """Return the mean distance between confidence and accuracy over equal intervals of [0, 1].

    The mean is weighted by the number of predictions in each interval (Guo et al. 2017).

    Args:
        confidence: The probability of the predicted class, (predictions,).
        correct: Whether the predicted class is the true one, (predictions,).
        bins: The number of intervals.

    Raises:
        ValueError: The arrays are empty, or their lengths differ.
    """
    confidences, is_correct = _pair(confidence, correct)
    place = np.clip((confidences.astype(float) * bins).astype(np.int64), 0, bins - 1)
    gap = np.bincount(place, confidences.astype(float) - is_correct.astype(float), minlength=bins)
    return float(np.abs(gap).sum() / len(confidences))


def threshold_for(
    confidence: ArrayLike, correct: ArrayLike, precision: float, weights: ArrayLike | None = None
) -> float | None:
    """Return the lowest threshold at which at least ``precision`` of predictions are correct.

    Predictions whose confidence is equal to the threshold or higher count. One more prediction of
    mean weight is counted as wrong, so that a few lucky predictions do not give a threshold.

    Args:
        confidence: The probability of the predicted class, (predictions,).
        correct: Whether the predicted class is the true one, (predictions,).
        precision: The wanted precision, 0 to 1.
        weights: The weight of each prediction, (predictions,); by default 1.

    Returns:
        The threshold, or ``None`` if no threshold gives the precision.

    Raises:
        ValueError: The arrays are empty, or their lengths differ.
    """
    one, other = _pair(confidence, correct)
    confidences, is_correct = one.astype(np.float64), other.astype(np.float64)
    mass = np.ones(len(confidences)) if weights is None else np.asarray(weights, np.float64)
    if mass.shape != confidences.shape:
        raise ValueError(f"expected weights of shape {confidences.shape}, got {mass.shape}")
    order = np.argsort(-confidences, kind="stable")
    hits = np.cumsum((mass * is_correct)[order])
    reached = hits >= precision * (np.cumsum(mass[order]) + mass.mean())
    reached[:-1] &= confidences[order][:-1] > confidences[order][1:]
    places = np.flatnonzero(reached)
    return float(confidences[order][places[-1]]) if len(places) else None


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"expected two arrays of one shape (n,), got {one.shape}, {other.shape}")
    if not len(one):
        raise ValueError("the arrays are empty")
    return one, other
