"""How far the spend on segments may lie from what is expected, by what is known of creatives.

The true segment of a creative is drawn from its calibrated probabilities, independently of all
others; what a segment costs is then a sum of very unequal amounts, each there or not. A normal
interval is wrong for it wherever a few creatives carry the money. So, for each segment, the
creatives that matter most for the shape of the sum (by their third absolute moment, as in the
Berry-Esseen bound) are drawn one by one, and the many small ones by a shifted gamma distribution
with their exact mean, variance and skewness, which is what a sum of rare events looks like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

DRAWS = 4_000
# Creatives that are drawn one by one for each segment.
DRAWN = 256
COVERAGE = 0.9
SEED = 20_211


@dataclass(frozen=True, slots=True)
class Spread:
    """By segment, in roubles: the expected sum, and the ends of its interval."""

    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def width(self) -> float:
        """Of all intervals together."""
        return float((self.high - self.low).sum())


def spread(amounts: NDArray[np.float64], probabilities: Floats) -> Spread:
    """The central ``COVERAGE`` interval of each segment's sum.

    ``amounts`` (creatives,) are positive roubles, ``probabilities`` (segments, creatives).
    The same numbers give the same interval.
    """
    random = np.random.default_rng(SEED)
    # The same for every segment: each interval is of its own sum, whatever the others are.
    uniform = random.random((DRAWS, min(DRAWN, len(amounts))), np.float32)
    ends = [_interval(amounts, row.astype(np.float64), uniform, random) for row in probabilities]
    low, high = np.array(ends, np.float64).reshape(-1, 2).T
    return Spread(probabilities @ amounts, low, high)


def variances(amounts: NDArray[np.float64], probabilities: Floats) -> NDArray[np.float64]:
    """What each creative (creatives,) adds to the sum of the segments' variances.

    That much the sum falls when a person says which segment it is.
    """
    doubt = 1 - np.einsum("sc,sc->c", probabilities, probabilities)
    return np.asarray(amounts**2 * np.clip(doubt, 0, 1), np.float64)


def _interval(
    amounts: NDArray[np.float64],
    chances: NDArray[np.float64],
    uniform: NDArray[np.float32],
    random: np.random.Generator,
) -> tuple[float, float]:
    drawn = np.arange(len(amounts))
    if len(amounts) > DRAWN:
        drawn = np.argpartition(amounts**3 * chances * (1 - chances), -DRAWN)[-DRAWN:]
    sums = (uniform < chances[drawn]) @ amounts[drawn]
    small = np.ones(len(amounts), np.bool_)
    small[drawn] = False
    if small.any():
        sums += _small(amounts[small], chances[small], random)
    outside = (1 - COVERAGE) / 2
    low = float(np.quantile(sums, outside, method="lower"))
    high = float(np.quantile(sums, 1 - outside, method="higher"))
    return max(low, 0.0), min(high, float(amounts.sum()))


def _small(
    amounts: NDArray[np.float64], chances: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Draws of the sum of creatives of which none matters much alone."""
    mean = float(amounts @ chances)
    terms = amounts**2 * chances * (1 - chances)
    variance = float(terms.sum())
    if not variance:
        return np.full(DRAWS, mean)
    skewness = float((amounts * terms) @ (1 - 2 * chances)) / variance**1.5
    if abs(skewness) < 1e-3:
        return mean + np.sqrt(variance) * random.standard_normal(DRAWS)
    shape = 4 / skewness**2
    standard = (random.standard_gamma(shape, DRAWS) - shape) / np.sqrt(shape)
    return mean + np.sqrt(variance) * np.sign(skewness) * standard
