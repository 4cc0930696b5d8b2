"""Simulation of the spend of each segment, to find intervals around the expected spend.

The true segment of a creative is drawn from its calibrated probabilities, independently of all
other creatives. The spend of a segment is then a sum of very unequal amounts, each of which is
either in the sum or not. A normal approximation is wrong if a few creatives have most of the spend.
So, for each segment, the creatives that most affect the shape of the sum (by an approximation of
their third absolute moment, the term of the Berry-Esseen bound) are drawn one by one. The sum of
the many small ones is drawn from a shifted gamma distribution with their exact mean, variance and
skewness (Pearson type III).

``tests/spend/test_uncertainty.py`` and ``benchmarks/spend_intervals.py`` measure the coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

# Simulated sums of each segment.
DRAWS = 4_000
# Creatives that are drawn one by one for each segment.
DRAWN = 256
# Probability that the true sum is in its interval.
COVERAGE = 0.9
SEED = 20_211


@dataclass(frozen=True, slots=True)
class Spread:
    """Expected sum of each segment and the ends of its interval, in roubles, each (segments,)."""

    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def width(self) -> float:
        """Sum of the widths of all intervals, in roubles."""
        return float((self.high - self.low).sum())


def spread(amounts: NDArray[np.float64], probabilities: Floats) -> Spread:
    """Simulate the central ``COVERAGE`` interval of each segment's sum.

    The same arguments always give the same interval.

    Args:
        amounts: Spend of each creative, (creatives,), positive, in roubles.
        probabilities: Probabilities of its segments, (segments, creatives).
    """
    random = np.random.default_rng(SEED)
    # All segments share these draws: each interval depends on its own sum only.
    uniform = random.random((DRAWS, min(DRAWN, len(amounts))), np.float32)
    ends = [_interval(amounts, row.astype(np.float64), uniform, random) for row in probabilities]
    low, high = np.array(ends, np.float64).reshape(-1, 2).T
    return Spread(probabilities @ amounts, low, high)


def variances(amounts: NDArray[np.float64], probabilities: Floats) -> NDArray[np.float64]:
    """Return what each creative adds to the sum of the segments' variances.

    A review of the creative lowers the sum by as much. An indicator with probability p has the
    variance p (1 - p); over the segments of a creative these add up to 1 - sum of p².

    Args:
        amounts: Spend of each creative, (creatives,), in roubles.
        probabilities: Probabilities of its segments, (segments, creatives).

    Returns:
        Variances, (creatives,), in square roubles.
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
    """Draw ``DRAWS`` sums of small creatives from a shifted gamma distribution, (DRAWS,)."""
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
