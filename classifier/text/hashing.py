"""The hash of n-grams and names: a polynomial over code points and a mixer.

For n code points c, modulo 2**64, with P = 0x100000001B3 (the FNV prime):

- a folded n-gram: the sum of c[k] * P**(n-1-k), plus n;
- a word or a name: the sum of c[k] * P**k;
- a pair: the mixed hash of the first part times P, plus the mixed hash of the second.

Each is then mixed as in splitmix64 (Steele, Lea, Flood 2014). The upper 17 bits of the result are
the bucket within a block.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier.text.phonetics import Codes, Places

BLOCK_BITS = 17
BLOCK = 1 << BLOCK_BITS

_P = 0x100000001B3

Hashes: TypeAlias = NDArray[np.uint64]


def gram_hashes(codes: Codes, start: Places, length: int) -> Hashes:
    """Return the hash of each window of ``length`` code points, (windows,).

    ``codes``: the code points, (characters,). ``start``: where each window begins, (windows,).
    """
    hashes = np.full(len(start), length, np.uint64)
    for place in range(length):
        power = np.uint64(pow(_P, length - 1 - place, 1 << 64))
        hashes += codes[start + place].astype(np.uint64) * power
    return _mix(hashes)


def word_hashes(codes: Codes, start: Places, end: Places) -> Hashes:
    """Return the hash of each word ``codes[start:end]``, (words,); no word may be empty."""
    if not len(start):
        return np.empty(0, np.uint64)
    lengths = end - start
    offset = np.cumsum(lengths) - lengths
    within = np.arange(int(lengths.sum())) - np.repeat(offset, lengths)
    powers = np.full(int(lengths.max()), np.uint64(_P))
    powers[0] = 1
    powers = np.multiply.accumulate(powers)
    terms = codes[within + np.repeat(start, lengths)].astype(np.uint64) * powers[within]
    return _mix(np.add.reduceat(terms, offset))


def name_hash(name: str) -> np.uint64:
    """Return the hash of a name, which is that of a word with the same characters."""
    codes = np.array([ord(character) for character in name], np.uint32)
    [value] = word_hashes(codes, np.array([0]), np.array([len(codes)]))
    return np.uint64(value)


def pair_hashes(left: Hashes, right: Hashes) -> Hashes:
    """Return the hash of each ordered pair of mixed hashes, (pairs,)."""
    return _mix(left * np.uint64(_P) + right)


def buckets(hashes: Hashes, block: int) -> Places:
    """Return the bucket of each hash in the block with the number ``block``, (hashes,)."""
    places: Places = (hashes >> np.uint64(64 - BLOCK_BITS)).astype(np.int64) + block * BLOCK
    return places


def _mix(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
