"""Select pictures of a spot: spread evenly, with at least one for each scene if possible."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

# Mean difference of two thumbnails (0 to 255) from which a cut is assumed. Codec noise stays under
# 3, an end card with another background is above 40; words that appear on a card are in between.
_CUT_DIFFERENCE = 12.0


def choose(times: Sequence[float], thumbnails: Sequence[bytes], limit: int) -> list[int]:
    """Return the indices of at most ``limit`` pictures, in order; all if there are no more.

    The first and the last picture are always chosen. A scene without a chosen picture gets its
    middle one, the longest scene first; the picture that it replaces comes from the scene with the
    most chosen pictures.

    Args:
        times: Time of each picture in seconds, ascending.
        thumbnails: Pixels of each picture, all of the same length.
        limit: The largest number of pictures, at least 2.
    """
    count = len(times)
    if count <= limit:
        return list(range(count))
    chosen = {round(index * (count - 1) / (limit - 1)) for index in range(limit)}
    scenes = _scenes(thumbnails)
    missing = [scene for scene in scenes if chosen.isdisjoint(scene)]
    for scene in sorted(
        missing, key=lambda scene: times[scene[-1]] - times[scene[0]], reverse=True
    ):
        removable = _removable(scenes, chosen, count, times)
        if removable is None:
            break
        chosen.remove(removable)
        chosen.add(scene[len(scene) // 2])
    return sorted(chosen)


def _scenes(thumbnails: Sequence[bytes]) -> list[range]:
    cuts = [
        place
        for place, (one, other) in enumerate(pairwise(thumbnails), start=1)
        if sum(abs(a - b) for a, b in zip(one, other, strict=True)) > _CUT_DIFFERENCE * len(one)
    ]
    return [range(start, end) for start, end in pairwise([0, *cuts, len(thumbnails)])]


def _removable(
    scenes: Sequence[range], chosen: set[int], count: int, times: Sequence[float]
) -> int | None:
    """Return the chosen picture that leaves the smallest gap, in the scene with the most."""
    chosen_in_scene = max((sorted(chosen.intersection(scene)) for scene in scenes), key=len)
    inner = [place for place in chosen_in_scene if 0 < place < count - 1]
    if len(chosen_in_scene) < 2 or not inner:
        return None
    order = sorted(chosen)
    neighbours = dict(zip(order[1:-1], zip(order, order[2:], strict=False), strict=True))
    return min(inner, key=lambda place: times[neighbours[place][1]] - times[neighbours[place][0]])
