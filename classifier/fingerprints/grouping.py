"""Pairs become families, with care: one wrong pair must not make one of two large families."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

ENOUGH_PAIRS = 3


def grouped(pairs: Iterable[tuple[int, int, float]]) -> list[set[int]]:
    """Families of two and more out of ``(one, other, strength)``, the one of the least first.

    Pairs whose two have most others in common count first, then the strongest. Two groups become
    one where at least three pairs join them, or as many as the smaller one has members: a
    creative on its own follows one pair. The result does not depend on the order of the pairs.
    """
    links = {(min(a, b), max(a, b)): strength for a, b, strength in pairs if a != b}
    near: dict[int, set[int]] = defaultdict(set)
    for one, other in links:
        near[one].add(other)
        near[other].add(one)

    def surest(pair: tuple[int, int]) -> tuple[float, float, tuple[int, int]]:
        # A wrong pair bridges two that have many others each, and none of these in common.
        one, other = (near[member] for member in pair)
        return -(1 + len(one & other)) / min(len(one), len(other)), -links[pair], pair

    group_of = {member: member for pair in links for member in pair}
    members = {member: {member} for member in group_of}
    between: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for one, other in sorted(links, key=surest):
        a, b = group_of[one], group_of[other]
        if a == b:
            continue
        between[a][b] += 1
        between[b][a] += 1
        while _enough(between[a][b], members[a], members[b]):
            a = _join(a, b, group_of, members, between)
            # A larger group never needs fewer pairs, but its pairs with a third one add up.
            ready = (c for c, count in between[a].items() if _enough(count, members[a], members[c]))
            following = min(ready, default=None)
            if following is None:
                break
            b = following
    families = [group for group in members.values() if len(group) > 1]
    return sorted(families, key=min)


def _enough(pairs: int, one: set[int], other: set[int]) -> bool:
    return pairs >= min(ENOUGH_PAIRS, len(one), len(other))


def _join(
    one: int,
    other: int,
    group_of: dict[int, int],
    members: dict[int, set[int]],
    between: dict[int, dict[int, int]],
) -> int:
    kept, gone = (one, other) if len(members[one]) >= len(members[other]) else (other, one)
    for member in members[gone]:
        group_of[member] = kept
    members[kept] |= members.pop(gone)
    for third, count in between.pop(gone).items():
        if third != kept:
            between[kept][third] += count
            between[third][kept] += count
        between[third].pop(gone, None)
    return kept
