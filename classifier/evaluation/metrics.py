"""Figures that judge a classifier, each as a plain function of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The share of right predictions; raises ``ValueError`` when there is none to judge."""
    true, guess = _pair(truth, predicted)
    return float(np.mean(true == guess))


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The mean F1 over the classes that occur in ``truth`` or in ``predicted``.

    A class that is only predicted counts as 0, as in scikit-learn's ``f1_score``.
    """
    true, guess = _pair(truth, predicted)
    scores = []
    for label in np.union1d(true, guess):
        hits = np.sum((true == label) & (guess == label))
        scores.append(2.0 * hits / (np.sum(true == label) + np.sum(guess == label)))
    return float(np.mean(scores))


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Mean distance between confidence and accuracy over ``bins`` equal intervals of [0, 1].

    Weighted by the number of predictions in each (Guo et al. 2017). ``confidence`` is the
    probability of the predicted class, ``right`` whether that class was true.
    """
    sure, hit = _pair(confidence, right)
    place = np.clip((sure.astype(float) * bins).astype(np.int64), 0, bins - 1)
    gap = np.bincount(place, sure.astype(float) - hit.astype(float), minlength=bins)
    return float(np.abs(gap).sum() / len(sure))


def threshold_for(
    confidence: ArrayLike, right: ArrayLike, precision: float, weights: ArrayLike | None = None
) -> float | None:
    """The lowest confidence from which on predictions are right with at least ``precision``.

    One average prediction more is counted as wrong, so that a few lucky ones promise nothing.
    ``weights``: how much each prediction stands for. ``None`` when no confidence is enough.
    """
    one, other = _pair(confidence, right)
    sure, hit = one.astype(np.float64), other.astype(np.float64)
    mass = np.ones(len(sure)) if weights is None else np.asarray(weights, np.float64)
    order = np.argsort(-sure, kind="stable")
    hits = np.cumsum((mass * hit)[order])
    reached = hits >= precision * (np.cumsum(mass[order]) + mass.mean())
    reached[:-1] &= sure[order][:-1] > sure[order][1:]
    places = np.flatnonzero(reached)
    return float(sure[order][places[-1]]) if len(places) else None


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"two equally long lists are needed, not {one.shape} and {other.shape}")
    if not len(one):
        raise ValueError("there is nothing to judge")
    return one, other
