"""Which pictures of a spot are kept: evenly spread, but none of its scenes is left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

# Mean difference of two thumbnails, of 255. The codecs' noise stays under 3, an end card of
# another ground is beyond 40; words that appear on a card are between.
_CUT = 12.0


def choose(times: Sequence[float], thumbnails: Sequence[bytes], most: int) -> list[int]:
    """The places of at most ``most`` pictures, in order; all where there are no more.

    ``times`` in seconds, rising; ``thumbnails`` of equal length. The first and the last picture
    are always chosen. A scene without one gets its middle picture, the longest scene first, from
    the scene that has most.
    """
    count = len(times)
    if count <= most:
        return list(range(count))
    chosen = {round(index * (count - 1) / (most - 1)) for index in range(most)}
    scenes = _scenes(thumbnails)
    missed = [scene for scene in scenes if chosen.isdisjoint(scene)]
    for scene in sorted(missed, key=lambda scene: times[scene[-1]] - times[scene[0]], reverse=True):
        spare = _spare(scenes, chosen, count, times)
        if spare is None:
            break
        chosen.remove(spare)
        chosen.add(scene[len(scene) // 2])
    return sorted(chosen)


def _scenes(thumbnails: Sequence[bytes]) -> list[range]:
    cuts = [
        place
        for place, (one, other) in enumerate(pairwise(thumbnails), start=1)
        if sum(abs(a - b) for a, b in zip(one, other, strict=True)) > _CUT * len(one)
    ]
    return [range(start, end) for start, end in pairwise([0, *cuts, len(thumbnails)])]


def _spare(
    scenes: Sequence[range], chosen: set[int], count: int, times: Sequence[float]
) -> int | None:
    """The chosen picture whose absence leaves the smallest gap, in the scene that has most."""
    shown = max((sorted(chosen.intersection(scene)) for scene in scenes), key=len)
    inner = [place for place in shown if 0 < place < count - 1]
    if len(shown) < 2 or not inner:
        return None
    order = sorted(chosen)
    around = dict(zip(order[1:-1], zip(order, order[2:], strict=False), strict=True))
    return min(inner, key=lambda place: times[around[place][1]] - times[around[place][0]])
