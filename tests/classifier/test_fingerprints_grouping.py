"""Grouping of pairs into families: one wrong pair does not join two families."""

from __future__ import annotations

import itertools
import random

import pytest

from classifier.fingerprints import grouped
from classifier.text.families import merge_families

Pair = tuple[int, int, float]


def all_pairs(members: range, strength: float = 2.0) -> list[Pair]:
    return [(a, b, strength) for a, b in itertools.combinations(members, 2)]


def test_cuts_that_share_nothing_are_joined_through_the_whole_spot() -> None:
    assert grouped([(1, 2, 2.0), (1, 3, 1.5)]) == [{1, 2, 3}]


@pytest.mark.parametrize("strength", [0.5, 3.0])
def test_one_wrong_pair_does_not_join_two_families(strength: float) -> None:
    pairs = [*all_pairs(range(5)), *all_pairs(range(10, 15)), (0, 10, strength)]
    assert grouped(pairs) == [set(range(5)), set(range(10, 15))]


def test_families_are_joined_by_three_pairs() -> None:
    pairs = [*all_pairs(range(5)), *all_pairs(range(10, 15))]
    between = [(0, 10, 0.5), (1, 11, 0.5), (2, 12, 0.5)]
    assert [len(family) for family in grouped([*pairs, *between[:2]])] == [5, 5]
    assert [len(family) for family in grouped([*pairs, *between])] == [10]


def test_order_of_the_pairs_does_not_matter() -> None:
    numbers = random.Random(3)
    pairs = [
        (numbers.randrange(30), numbers.randrange(30), numbers.choice([0.7, 1.0, 1.4, 2.2]))
        for _ in range(40)
    ]
    families = grouped(pairs)
    for _ in range(20):
        numbers.shuffle(pairs)
        shuffled = [(b, a, s) if numbers.random() < 0.5 else (a, b, s) for a, b, s in pairs]
        assert grouped(shuffled) == families
    assert all(len(family) > 1 for family in families)
    assert len(set().union(*families)) == sum(map(len, families))


def test_the_largest_strength_of_a_repeated_pair_counts() -> None:
    # Creative 2 goes to the stronger of its two pairs.
    pairs = [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (3, 4, 1.0)]
    for repeated in ([(2, 3, 2.0), *pairs], [*pairs, (3, 2, 2.0)]):
        assert grouped(repeated) == [{0, 1}, {2, 3, 4}]


def test_pair_of_a_creative_with_itself_is_ignored() -> None:
    assert grouped([(1, 1, 3.0)]) == []
    assert grouped([]) == []


def test_families_by_words_and_by_pictures_are_united() -> None:
    words = [0, 0, 1, 2, 3, 3]
    pictures = [None, 7, 7, None, None, None]
    assert merge_families(words, pictures).tolist() == [0, 0, 0, 1, 2, 2]
    assert merge_families(words, [None] * 6).tolist() == [0, 0, 1, 2, 3, 3]
    assert merge_families([], []).tolist() == []
