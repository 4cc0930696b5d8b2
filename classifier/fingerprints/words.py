"""Word fingerprints: a set of checksums, one for each pair of adjacent words."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.uint32]

MIN_PAIRS = 8
"""With fewer pairs, a speech neither distinguishes two spots nor makes them the same."""
MAX_PAIRS = 1_500
_WORD = re.compile(r"\w+")


def word_print(speech: str) -> Pairs:
    """Return the sorted, distinct checksums of the pairs of adjacent words, uint32 (pairs,)."""
    words = _WORD.findall(speech.casefold().replace("ё", "е"))
    pairs = {zlib.crc32(f"{one} {other}".encode()) for one, other in pairwise(words)}
    return np.array(sorted(pairs)[:MAX_PAIRS], np.uint32)


def shared(one: Pairs, other: Pairs) -> float | None:
    """Return the share of the shorter speech's pairs, (pairs,), in the other; None if too short."""
    shorter = min(len(one), len(other))
    if shorter < MIN_PAIRS:
        return None
    return len(np.intersect1d(one, other, assume_unique=True)) / shorter
