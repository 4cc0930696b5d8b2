"""Evidence: the words and short phrases with the largest sums of n-gram weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.text.features import Grams

_MOST = 6
_LONGEST_SPAN = 4
_MARKS = ".,!?:;…"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A word or short phrase that counts for a segment.

    ``start``, ``end``: its offsets in characters, so that ``classified_text[start:end] == text``.
    ``weight``: what it adds to the margin of the segment over the others.
    """

    text: str
    start: int
    end: int
    weight: float


def heaviest_phrases(text: str, grams: Grams, weight: NDArray[np.float64]) -> tuple[Evidence, ...]:
    """Return at most six spans of ``text``, the one with the largest weight first.

    Args:
        text: The classified text.
        grams: The n-grams of the text; each covers at least one character of a word.
        weight: The weight of each n-gram, (grams,).
    """
    words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    scores = _spread_on_words(words, grams.start, grams.end, weight)
    spans = sorted(_phrases(text, words, scores), key=lambda item: (-item.weight, item.start))
    return tuple(spans[:_MOST])


def _spread_on_words(
    words: Sequence[tuple[int, int]],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the sum of n-gram weights on each word, (words,).

    An n-gram that touches two words or more gives half to the first and half to the last of them.
    ``start``, ``end`` and ``weight`` describe the n-grams, (grams,).
    """
    word_starts = np.array([word[0] for word in words], np.int64)
    word_ends = np.array([word[1] for word in words], np.int64)
    first = np.searchsorted(word_ends, start, side="right")
    last = np.searchsorted(word_starts, end, side="left") - 1
    half = weight / np.where(first == last, 1, 2)
    scores = np.bincount(first, half, len(words)).astype(np.float64)
    double = first != last
    scores += np.bincount(last[double], half[double], len(words))
    return scores


def _phrases(
    text: str, words: Sequence[tuple[int, int]], scores: NDArray[np.float64]
) -> Iterator[Evidence]:
    """Yield runs of up to four words whose scores are at least an eighth of the largest score.

    A run ends after a word that ends with a punctuation mark. ``scores``: (words,).
    """
    threshold = max(float(scores.max(initial=0.0)) / 8, 1e-6)
    runs: list[list[int]] = []
    for place in np.flatnonzero(scores >= threshold).tolist():
        last = runs[-1] if runs else []
        follows = bool(last) and last[-1] == place - 1 and len(last) < _LONGEST_SPAN
        if follows and text[words[place - 1][1] - 1] not in _MARKS:
            last.append(place)
        else:
            runs.append([place])
    for run in runs:
        yield _evidence(text, words[run[0]][0], words[run[-1]][1], float(scores[run].sum()))


def _evidence(text: str, start: int, end: int, weight: float) -> Evidence:
    """Return the span without surrounding punctuation, unless it has nothing else."""
    match = re.search(r"\w.*\w|\w", text[start:end], re.DOTALL)
    if match:
        start, end = start + match.start(), start + match.end()
    return Evidence(text[start:end], start, end, weight)
