"""Word fingerprints: a set of checksums, one for each pair of adjacent words."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.uint32]

MIN_PAIRS = 8
"""A speech with fewer pairs is not compared: it is no evidence for or against near duplicates."""
MAX_PAIRS = 1_500
_WORD = re.compile(r"\w+")


def word_print(speech: str) -> Pairs:
    """Return the distinct checksums of the pairs of adjacent words, sorted, uint32 (pairs,).

    Only the ``MAX_PAIRS`` smallest are kept.
    """
    words = _WORD.findall(speech.casefold().replace("ё", "е"))
    pairs = {zlib.crc32(f"{one} {other}".encode()) for one, other in pairwise(words)}
    return np.array(sorted(pairs)[:MAX_PAIRS], np.uint32)


def shared(one: Pairs, other: Pairs) -> float | None:
    """Return the share of the shorter print's pairs that the other has as well, 0 to 1.

    None if either has fewer than ``MIN_PAIRS``. Both are results of ``word_print``, (pairs,).
    """
    shorter = min(len(one), len(other))
    if shorter < MIN_PAIRS:
        return None
    return len(np.intersect1d(one, other, assume_unique=True)) / shorter
