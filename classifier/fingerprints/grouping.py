"""Grouping of pairs into families, so that one wrong pair does not join two large families."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

MIN_PAIRS = 3


def grouped(pairs: Iterable[tuple[int, int, float]]) -> list[set[int]]:
    """Return the families, of two or more members, sorted by their smallest member.

    Pairs whose two members share the largest part of their neighbours come first, then the
    strongest pairs.
    Two groups are joined if at least three pairs connect them, or as many pairs as the smaller
    group has members; so a single creative needs one pair. The result does not depend on the order
    of ``pairs``.

    Args:
        pairs: ``(one, other, strength)`` of each pair of near duplicates. If a pair is given
            several times, its largest strength counts.
    """
    links: dict[tuple[int, int], float] = {}
    for a, b, strength in pairs:
        if a != b:
            pair = (min(a, b), max(a, b))
            links[pair] = max(strength, links.get(pair, strength))
    neighbours: dict[int, set[int]] = defaultdict(set)
    for one, other in links:
        neighbours[one].add(other)
        neighbours[other].add(one)

    def priority(pair: tuple[int, int]) -> tuple[float, float, tuple[int, int]]:
        # A wrong pair connects two members that have many neighbours each, but none in common.
        one, other = (neighbours[member] for member in pair)
        return -(1 + len(one & other)) / min(len(one), len(other)), -links[pair], pair

    group_of = {member: member for pair in links for member in pair}
    members = {member: {member} for member in group_of}
    between: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for one, other in sorted(links, key=priority):
        a, b = group_of[one], group_of[other]
        if a == b:
            continue
        between[a][b] += 1
        between[b][a] += 1
        while _enough_pairs(between[a][b], members[a], members[b]):
            a = _join(a, b, group_of, members, between)
            # A larger group never needs fewer pairs, but its pairs with a third group add up.
            ready = (
                c for c, count in between[a].items() if _enough_pairs(count, members[a], members[c])
            )
            next_group = min(ready, default=None)
            if next_group is None:
                break
            b = next_group
    families = [group for group in members.values() if len(group) > 1]
    return sorted(families, key=min)


def _enough_pairs(pairs: int, one: set[int], other: set[int]) -> bool:
    return pairs >= min(MIN_PAIRS, len(one), len(other))


def _join(
    one: int,
    other: int,
    group_of: dict[int, int],
    members: dict[int, set[int]],
    between: dict[int, dict[int, int]],
) -> int:
    larger, smaller = (one, other) if len(members[one]) >= len(members[other]) else (other, one)
    for member in members[smaller]:
        group_of[member] = larger
    members[larger] |= members.pop(smaller)
    for third, count in between.pop(smaller).items():
        if third != larger:
            between[larger][third] += count
            between[third][larger] += count
        between[third].pop(smaller, None)
    return larger
