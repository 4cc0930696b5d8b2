"""The features of the text model: counts of hashed n-grams and of lexicon matches.

There is no vocabulary, so a model holds numbers only. Texts are folded by sound first
(``phonetics``). The features are in five blocks of 2**17 buckets (``hashing``):

0. characters: n-grams of 2-5 letters inside a word with the blanks around it, as scikit-learn's
   ``char_wb`` does;
1. words: single ones of two characters or more, and pairs of neighbours;
2. stems: the first five characters of such words, and unordered pairs of them at most three
   words apart;
3. groups and brands of the lexicon, pairs of groups in one text, and the shape of the text;
4. pairs of groups of the lexicon that follow each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.text.hashing import BLOCK, buckets, gram_hashes, pair_hashes, word_hashes
from classifier.text.lexicon import MatchArrays, find
from classifier.text.phonetics import BLANK, Codes, Joined, Places, fold, join, word_bounds
from classifier.text.text_shape import shapes

HASHING = "poly-fnv-splitmix64/3"
CHARACTERS, WORDS, STEMS, CONCEPTS, SEQUENCES = range(5)
# The L2 norm of each block's vector, chosen by grouped cross-validation.
BLOCK_WEIGHTS = np.array([1.0, 1.0, 0.6, 0.7, 0.6])
BLOCKS = len(BLOCK_WEIGHTS)
BUCKETS = BLOCKS * BLOCK
CHAR_LENGTHS = (2, 3, 4, 5)
# Texts whose n-grams are in memory at the same time, about 200 KB for each.
_BATCH = 1024
STEM = 5
STEM_REACH = 3


@dataclass(frozen=True, slots=True)
class Grams:
    """N-grams as parallel arrays, (grams,): their buckets and their places in the joined texts.

    A feature of the text as a whole has ``start == end``, the beginning of that text.
    """

    bucket: Places
    start: Places
    end: Places


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of occurrences of each bucket in each text, sorted by text, then bucket.

    ``texts``: the number of texts. ``text``, ``bucket`` and ``count`` are parallel, (entries,).
    They have 32 bits because training holds those of all texts, about 650 entries for each.
    """

    texts: int
    text: NDArray[np.int32]
    bucket: NDArray[np.int32]
    count: NDArray[np.int32]


def count_grams(texts: Sequence[str]) -> Counts:
    """Count the features of each text; a blank text has none."""
    begins = range(0, max(len(texts), 1), _BATCH)
    parts = [_count(texts[begin : begin + _BATCH], begin) for begin in begins]
    text, bucket, count = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Counts(len(texts), text, bucket, count)


def _count(texts: Sequence[str], begin: int) -> tuple[NDArray[np.int32], ...]:
    """Return text, bucket and count of each entry of a batch whose first text is ``begin``."""
    joined = join(texts)
    grams = _grams(joined, texts)
    text = joined.text_of(grams.start)
    keys, count = np.unique(text * BUCKETS + grams.bucket, return_counts=True)
    places = (keys // BUCKETS + begin, keys % BUCKETS, count)
    return tuple(part.astype(np.int32) for part in places)


def locate_grams(text: str) -> Grams:
    """Return all features of one text, with ``start`` and ``end`` as offsets into that text."""
    grams = _grams(join([text]), [text])
    return Grams(
        grams.bucket,
        np.clip(grams.start - 1, 0, len(text)),
        np.clip(grams.end - 1, 0, len(text)),
    )


def tf_idf(counts: Counts, idf: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the value of each entry of ``counts``, (entries,).

    The value is (1 + ln count) * idf, with each block scaled to its norm in ``BLOCK_WEIGHTS``.
    Lexicon matches count once per text. ``idf`` has the shape (BUCKETS,).
    """
    block = counts.bucket // BLOCK
    dampened = np.where(block >= CONCEPTS, 1.0, 1.0 + np.log(counts.count))
    values = dampened * idf[counts.bucket]
    part = counts.text * BLOCKS + block
    squares = np.bincount(part, values**2, minlength=BLOCKS * counts.texts)
    scaled = values / np.sqrt(squares)[part] * BLOCK_WEIGHTS[block]
    result: NDArray[np.float32] = scaled.astype(np.float32)
    return result


def inverse_document_frequency(frequency: NDArray[np.integer], texts: int) -> NDArray[np.float32]:
    """Return the smoothed idf of each bucket, (BUCKETS,): ln((1 + n) / (1 + df)) + 1.

    This is the definition of scikit-learn's ``TfidfTransformer``. ``frequency`` (BUCKETS,) is the
    number of texts with each bucket, ``texts`` the number of all texts.
    """
    idf: NDArray[np.float32] = (np.log((1.0 + texts) / (1.0 + frequency)) + 1.0).astype(np.float32)
    return idf


def _grams(written: Joined, texts: Sequence[str]) -> Grams:
    joined = fold(written)
    inside = [_char_grams(joined.codes, length) for length in CHAR_LENGTHS]
    inside += [*_word_grams(joined), *_stem_grams(joined)]
    known = find(written, joined)
    parts = [
        *(Grams(g.bucket, joined.place[g.start], joined.place[g.end - 1] + 1) for g in inside),
        _match_grams(known.concepts, CONCEPTS),
        _match_grams(known.sequences, SEQUENCES),
        _shape_grams(written, texts),
    ]
    return Grams(
        np.concatenate([part.bucket for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
    )


def _char_grams(codes: Codes, length: int) -> Grams:
    """Return the windows of ``length`` characters without inner blanks that are not all blank."""
    windows = max(len(codes) - length + 1, 0)
    blank = codes == BLANK
    selected = np.ones(windows, np.bool_)
    for inner in range(1, length - 1):
        selected &= ~blank[inner : inner + windows]
    if length == min(CHAR_LENGTHS):
        selected &= ~(blank[:windows] & blank[length - 1 :])
    start = np.flatnonzero(selected)
    hashes = gram_hashes(codes, start, length)
    return Grams(buckets(hashes, CHARACTERS), start, start + length)


def _word_grams(joined: Joined) -> tuple[Grams, Grams]:
    start, end = word_bounds(joined.codes, shortest=2)
    single = word_hashes(joined.codes, start, end)
    near = _same_text(joined, start, 1)
    double = pair_hashes(single[:-1], single[1:])[near]
    return (
        Grams(buckets(single, WORDS), start, end),
        Grams(buckets(double, WORDS), start[:-1][near], end[1:][near]),
    )


def _stem_grams(joined: Joined) -> list[Grams]:
    start, end = word_bounds(joined.codes, shortest=2)
    stems = word_hashes(joined.codes, start, np.minimum(end, start + STEM))
    parts = [Grams(buckets(stems, STEMS), start, end)]
    for reach in range(1, STEM_REACH + 1):
        left, right = stems[:-reach], stems[reach:]
        near = _same_text(joined, start, reach)
        pairs = pair_hashes(np.minimum(left, right), np.maximum(left, right))[near]
        parts.append(Grams(buckets(pairs, STEMS), start[:-reach][near], end[reach:][near]))
    return parts


def _same_text(joined: Joined, start: Places, reach: int) -> NDArray[np.bool_]:
    """Return for each word whether the one ``reach`` words later is in the same text.

    The last ``reach`` words are left out.
    """
    text = joined.text_of(joined.place[start])
    same: NDArray[np.bool_] = text[:-reach] == text[reach:]
    return same


def _match_grams(found: MatchArrays, block: int) -> Grams:
    return Grams(buckets(found.hashes, block), found.start, found.end)


def _shape_grams(joined: Joined, texts: Sequence[str]) -> Grams:
    rows = [shapes(text) for text in texts]
    hashes = np.array([value for row in rows for value in row], np.uint64)
    start = np.repeat(joined.first, [len(row) for row in rows])
    return Grams(buckets(hashes, CONCEPTS), start, start)
