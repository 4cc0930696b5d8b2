"""Speech as a set of numbers, one for each pair of words that follow one another."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.uint32]

LEAST_PAIRS = 8
"""A speech with fewer says too little to tell two spots apart, or to make them one."""
MOST_PAIRS = 1_500
_WORD = re.compile(r"\w+")


def word_print(speech: str) -> Pairs:
    """The sorted checksums of the pairs of words, (pairs,); of equal ones one is kept."""
    words = _WORD.findall(speech.casefold().replace("ё", "е"))
    pairs = {zlib.crc32(f"{one} {following}".encode()) for one, following in pairwise(words)}
    return np.array(sorted(pairs)[:MOST_PAIRS], np.uint32)


def shared(one: Pairs, other: Pairs) -> float | None:
    """The share of the shorter speech that the other says, too; None where either is too short."""
    least = min(len(one), len(other))
    if least < LEAST_PAIRS:
        return None
    return len(np.intersect1d(one, other, assume_unique=True)) / least
