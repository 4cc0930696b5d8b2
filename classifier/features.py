"""Hashed n-gram counts of texts: no vocabulary, so a model holds numbers only.

Texts are folded by sound first, since a recogniser writes a brand as it hears it. Two blocks of
2**17 buckets: character n-grams of 2-5 letters inside a word (with the spaces around it, as
scikit-learn's ``char_wb`` does), then single words and pairs of neighbouring words.

The hash, for whoever reads a model elsewhere: over the code points c of the folded n-gram
(lower case, letters as in ``_FOLDED``, neighbours that are alike once, any white space a blank),
the polynomial sum of c[k] * P**(n-1-k) modulo 2**64 with P = 0x100000001B3 (the FNV prime) plus
n; a word takes the sum of c[k] * P**k, a pair the sum of its words' finished hashes, the first
multiplied by P. Each is finished by the mixer of splitmix64 (Steele, Lea, Flood 2014); its upper
17 bits are the bucket in its block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

HASHING = "poly-fnv-splitmix64/2"
BLOCK_BITS = 17
BLOCK = 1 << BLOCK_BITS
BLOCKS = 2
BUCKETS = BLOCKS * BLOCK
CHAR_LENGTHS = (2, 3, 4, 5)

_P = 0x100000001B3
_BLANK = 32
# Voiced as voiceless, unstressed vowels as one, no signs: "звербанк" and "сбербанк" come nearer.
_FOLDED = str.maketrans("бвгджзщэёоыйяю", "пфктшсшееаииау")
_SILENT_SIGNS = "ьъ"

Codes: TypeAlias = NDArray[np.uint32]
Hashes: TypeAlias = NDArray[np.uint64]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grams:
    """N-grams in parallel arrays: the bucket of each and its place in the joined texts."""

    bucket: Places
    start: Places
    end: Places


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each bucket occurs in each text, sorted by text, then bucket."""

    texts: int
    text: Places
    bucket: Places
    count: Places


@dataclass(frozen=True, slots=True)
class _Joined:
    """Texts as one array of code points, each with a blank of its own on either side.

    ``first``: where each text begins, its leading blank included. ``place``: where each code
    point stood before folding took some away.
    """

    codes: Codes
    first: Places
    place: Places

    def text_of(self, place: Places) -> Places:
        return np.searchsorted(self.first, place, side="right") - 1


def count_grams(texts: Sequence[str]) -> Counts:
    """The n-gram counts of ``texts``; a text without letters simply has none."""
    joined = _fold(_join(texts))
    grams = _grams(joined)
    text = joined.text_of(grams.start)
    keys, count = np.unique(text * BUCKETS + grams.bucket, return_counts=True)
    return Counts(len(texts), keys // BUCKETS, keys % BUCKETS, count.astype(np.int64))


def locate_grams(text: str) -> Grams:
    """Every n-gram of one text, with ``start`` and ``end`` as offsets into that text."""
    grams = _grams(_fold(_join([text])))
    return Grams(
        grams.bucket,
        np.clip(grams.start - 1, 0, len(text)),
        np.clip(grams.end - 1, 0, len(text)),
    )


def tf_idf(counts: Counts, idf: NDArray[np.float32]) -> NDArray[np.float32]:
    """The value of each entry of ``counts``: (1 + ln count) * idf, each block of unit length."""
    values = (1.0 + np.log(counts.count)) * idf[counts.bucket]
    part = counts.text * BLOCKS + counts.bucket // BLOCK
    squares = np.bincount(part, values**2, minlength=BLOCKS * counts.texts)
    scaled: NDArray[np.float32] = (values / np.sqrt(squares)[part]).astype(np.float32)
    return scaled


def inverse_document_frequency(frequency: NDArray[np.integer], texts: int) -> NDArray[np.float32]:
    """Smoothed idf, ln((1 + n) / (1 + df)) + 1, as scikit-learn defines it."""
    idf: NDArray[np.float32] = (np.log((1.0 + texts) / (1.0 + frequency)) + 1.0).astype(np.float32)
    return idf


def _join(texts: Sequence[str]) -> _Joined:
    lowered = [_lower(text) for text in texts]
    lengths = np.fromiter((len(text) for text in lowered), np.int64, len(lowered))
    first = np.cumsum(lengths + 2) - lengths - 2
    joined = "".join(f" {text} " for text in lowered)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind = _kinds()[np.minimum(codes, 0xFFFF)]
    codes = np.where(kind == _SPACE, np.uint32(_BLANK), codes)
    return _Joined(codes, first, np.arange(len(codes)))


def _fold(joined: _Joined) -> _Joined:
    """The same texts by sound: letters folded, signs and doubled characters taken out."""
    table = _sounds()
    codes = np.where(joined.codes < len(table), table[joined.codes % len(table)], joined.codes)
    place = np.flatnonzero(codes)
    codes = codes[place]
    kept = np.ones(len(codes), np.bool_)
    kept[1:] = (codes[1:] != codes[:-1]) | (codes[1:] == _BLANK)
    return _Joined(codes[kept], joined.first, place[kept])


def _lower(text: str) -> str:
    """Lower case that keeps every character's place: a few capitals would grow by a letter."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lowered


_SPACE, _LETTER = 1, 2


@cache
def _kinds() -> NDArray[np.uint8]:
    """White space and word characters of the basic plane; what lies above is a mark."""
    kinds = np.zeros(0x10000, np.uint8)
    for code in range(0xFFFF):
        character = chr(code)
        if character.isspace():
            kinds[code] = _SPACE
        elif character.isalnum() or character == "_":
            kinds[code] = _LETTER
    return kinds


@cache
def _sounds() -> NDArray[np.uint32]:
    """For each code point up to the last Cyrillic letter, how it sounds; 0 where it does not."""
    table = np.arange(0x460, dtype=np.uint32)
    for written, sound in _FOLDED.items():
        table[written] = sound
    table[[ord(sign) for sign in _SILENT_SIGNS]] = 0
    return table


def _grams(joined: _Joined) -> Grams:
    parts = [_char_grams(joined.codes, length) for length in CHAR_LENGTHS]
    parts.append(_word_grams(joined))
    start = np.concatenate([part.start for part in parts])
    end = np.concatenate([part.end for part in parts])
    bucket = np.concatenate([part.bucket for part in parts])
    return Grams(bucket, joined.place[start], joined.place[end - 1] + 1)


def _char_grams(codes: Codes, length: int) -> Grams:
    """Windows of ``length`` that hold no blank but at their ends, and are not blank."""
    windows = max(len(codes) - length + 1, 0)
    blank = codes == _BLANK
    kept = np.ones(windows, np.bool_)
    for inner in range(1, length - 1):
        kept &= ~blank[inner : inner + windows]
    if length == min(CHAR_LENGTHS):
        kept &= ~(blank[:windows] & blank[length - 1 :])
    start = np.flatnonzero(kept)
    hashes = np.full(len(start), length, np.uint64)
    for place in range(length):
        power = np.uint64(pow(_P, length - 1 - place, 1 << 64))
        hashes += codes[start + place].astype(np.uint64) * power
    return Grams(_bucket(_mix(hashes)), start, start + length)


def _word_grams(joined: _Joined) -> Grams:
    """Words of two characters or more, and pairs of such words that follow each other."""
    start, end = _word_bounds(joined.codes)
    if not len(start):
        return Grams(*(np.empty(0, np.int64) for _ in range(3)))
    single = _mix(_word_hashes(joined.codes, start, end))
    double = _mix(single[:-1] * np.uint64(_P) + single[1:])
    text = joined.text_of(joined.place[start])
    near = text[:-1] == text[1:]
    return Grams(
        BLOCK + _bucket(np.concatenate([single, double[near]])),
        np.concatenate([start, start[:-1][near]]),
        np.concatenate([end, end[1:][near]]),
    )


def _word_bounds(codes: Codes) -> tuple[Places, Places]:
    letter = _kinds()[np.minimum(codes, 0xFFFF)] == _LETTER
    change = np.diff(letter.astype(np.int8), prepend=0, append=0)
    start, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    long = end - start >= 2
    return start[long], end[long]


def _word_hashes(codes: Codes, start: Places, end: Places) -> Hashes:
    lengths = end - start
    offset = np.cumsum(lengths) - lengths
    within = np.arange(int(lengths.sum())) - np.repeat(offset, lengths)
    powers = np.full(int(lengths.max()), np.uint64(_P))
    powers[0] = 1
    powers = np.multiply.accumulate(powers)
    terms = codes[within + np.repeat(start, lengths)].astype(np.uint64) * powers[within]
    sums: Hashes = np.add.reduceat(terms, offset)
    return sums


def _mix(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _bucket(hashes: Hashes) -> Places:
    return (hashes >> np.uint64(64 - BLOCK_BITS)).astype(np.int64)
