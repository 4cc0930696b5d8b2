"""Intervals of expected spend against sums that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from creativefilter.spend.reports import simulation

# Ends of a central interval of 90 % of a normal distribution, in standard deviations.
NORMAL = float(stats.norm.ppf(0.95))
MANY = 5_000


def interval(amounts: np.ndarray, chance: float) -> tuple[float, float, float]:
    """Return expected sum, low end and high end for creatives with the same probability."""
    found = simulation.spread(amounts, np.full((1, len(amounts)), chance))
    return float(found.expected[0]), float(found.low[0]), float(found.high[0])


def test_many_equal_creatives_have_the_interval_of_a_binomial_sum() -> None:
    expected, low, high = interval(np.full(MANY, 20_000.0), 0.9)
    assert expected == pytest.approx(MANY * 18_000)
    exact = stats.binom(MANY, 0.9)
    sigma = 20_000 * exact.std()
    assert low == pytest.approx(20_000 * exact.ppf(0.05), abs=0.15 * sigma)
    assert high == pytest.approx(20_000 * exact.ppf(0.95), abs=0.15 * sigma)
    assert high - low == pytest.approx(2 * NORMAL * sigma, rel=0.06)


def test_many_rare_creatives_have_the_skewed_interval_of_a_poisson_sum() -> None:
    # About 3 of 5,000: the lower end is much nearer to the mean than the upper one.
    _expected, low, high = interval(np.full(MANY, 1.0), 3 / MANY)
    exact = stats.poisson(3)
    assert low == pytest.approx(exact.ppf(0.05), abs=0.7)
    assert high == pytest.approx(exact.ppf(0.95), abs=0.7)
    assert high - 3 > 1.1 * (3 - low)


def test_probabilities_above_one_half_skew_the_interval_the_other_way() -> None:
    _expected, low, high = interval(np.full(MANY, 1.0), 1 - 3 / MANY)
    assert low == pytest.approx(MANY - stats.poisson(3).ppf(0.95), abs=0.7)
    assert high == pytest.approx(MANY - stats.poisson(3).ppf(0.05), abs=0.7)


def test_large_creatives_are_drawn_and_small_ones_are_summed() -> None:
    """One large creative moves both ends; the small ones widen the interval on both sides."""
    small = np.full(MANY, 100.0)
    _expected, low, high = interval(np.append(small, 1e7), 0.5)
    mean, sigma = 50 * MANY, 100 * np.sqrt(MANY / 4)
    # Half of the draws are without the large creative: 5 % of all are 10 % of these.
    end = float(stats.norm.ppf(0.1))
    assert low == pytest.approx(mean + end * sigma, abs=0.2 * sigma)
    assert high == pytest.approx(1e7 + mean - end * sigma, abs=0.2 * sigma)


def test_few_creatives_have_the_exact_ends() -> None:
    amounts = np.array([8.0, 4.0, 2.0, 1.0])
    _expected, low, high = interval(amounts, 0.5)
    # All 16 sums are equally likely: at most 1/16 may lie outside on each side.
    assert (low, high) == (0, 15)
    _expected, low, high = interval(amounts, 0.99)
    assert (low, high) == (15, 15)


@pytest.mark.parametrize("chance", [0.0, 1.0])
@pytest.mark.parametrize("count", [3, MANY])
def test_certain_creatives_have_no_spread(chance: float, count: int) -> None:
    expected, low, high = interval(np.full(count, 7.0), chance)
    assert expected == low == high == count * 7 * chance


def test_creatives_beyond_those_drawn_are_not_lost() -> None:
    """There is one creative more than ``DRAWN``; its amount counts at both ends."""
    amounts = np.append(np.full(simulation.DRAWN, 1.0), 1_000.0)
    chances = np.append(np.full(simulation.DRAWN, 0.5), 1.0)
    found = simulation.spread(amounts, chances[None])
    # The certain creative has no spread, so it is the one that is not drawn.
    sigma = np.sqrt(simulation.DRAWN / 4)
    mean = simulation.DRAWN / 2 + 1_000
    assert found.low[0] == pytest.approx(mean - NORMAL * sigma, abs=0.2 * sigma)
    assert found.high[0] == pytest.approx(mean + NORMAL * sigma, abs=0.2 * sigma)


def test_certain_creatives_are_not_drawn_instead_of_uncertain_ones() -> None:
    """The uncertain creative is as large as each certain one: its amount counts fully or not."""
    certain, small = np.full(simulation.DRAWN, 1e6), np.full(1_000, 1.0)
    amounts = np.concatenate([certain, [1e6], small])
    chances = np.concatenate([np.ones(len(certain)), [0.5], np.full(len(small), 0.5)])
    found = simulation.spread(amounts, chances[None])
    assert found.low[0] == pytest.approx(certain.sum() + 500, abs=100)
    assert found.high[0] == pytest.approx(certain.sum() + 1e6 + 500, abs=100)


def test_intervals_do_not_begin_below_zero() -> None:
    _expected, low, _high = interval(np.full(MANY, 1.0), 0.5 / MANY)
    assert low == 0


def test_the_same_numbers_give_the_same_interval() -> None:
    amounts = np.linspace(1, 100, 1_000)
    assert interval(amounts, 0.3) == interval(amounts, 0.3)


def test_segments_with_equal_probabilities_have_equal_intervals() -> None:
    """All segments use the same random draws."""
    found = simulation.spread(np.full(200, 1.0), np.full((2, 200), 0.5))
    assert found.low[0] == found.low[1]
    assert found.high[0] == found.high[1]
    assert found.width == pytest.approx(2 * (found.high[0] - found.low[0]))


def test_variances_are_squared_amounts_times_one_minus_the_sum_of_p_squared() -> None:
    amounts = np.array([3.0, 5.0, 7.0])
    probabilities = np.array([[0.6, 0.5, 1.0], [0.4, 0.5, 0.0]])
    found = simulation.variances(amounts, probabilities)
    assert found == pytest.approx([9 * (1 - 0.36 - 0.16), 25 * 0.5, 0])
    # The sum over segments of amount² p (1 - p) of each creative.
    each = amounts**2 * (probabilities * (1 - probabilities)).sum(axis=0)
    assert found == pytest.approx(each)


def test_no_creatives_have_no_spend() -> None:
    found = simulation.spread(np.empty(0), np.empty((2, 0)))
    assert found.expected.tolist() == found.low.tolist() == found.high.tolist() == [0, 0]
