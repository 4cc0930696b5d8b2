"""Texts as arrays of code points, folded by sound, since a recogniser spells brands by sound.

Voiced consonants become voiceless, similar vowels become one, hard and soft signs are removed, and
repeated characters count once: "звербанк" and "сфербанк" become the same word, "сбербанк" a similar
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BLANK = 32
_FOLDED = str.maketrans("бвгджзщэёоыйяю", "пфктшсшееаииау")
_SILENT_SIGNS = "ьъ"
_SPACE, _LETTER = 1, 2

Codes: TypeAlias = NDArray[np.uint32]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Joined:
    """Texts as one array of code points, each text with a blank before and after it.

    ``codes``: the code points, (characters,). ``first``: the index of the leading blank of each
    text before folding, (texts,). ``place``: the index of each code point before folding,
    (characters,).
    """

    codes: Codes
    first: Places
    place: Places

    def text_of(self, place: Places) -> Places:
        """Return the number of the text at each place, in the shape of ``place``.

        Places are indexes before folding.
        """
        return np.searchsorted(self.first, place, side="right") - 1

    @property
    def string(self) -> str:
        """The code points as one string, one character each."""
        return self.codes.tobytes().decode("utf-32-le", "surrogatepass")


def join(texts: Sequence[str]) -> Joined:
    """Join texts in lower case, with any white space as a blank, without folding."""
    lowered = [_lower(text) for text in texts]
    lengths = np.fromiter((len(text) for text in lowered), np.int64, len(lowered))
    first = np.cumsum(lengths + 2) - lengths - 2
    joined = "".join(f" {text} " for text in lowered)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind = _kinds()[np.minimum(codes, 0xFFFF)]
    codes = np.where(kind == _SPACE, np.uint32(BLANK), codes)
    return Joined(codes, first, np.arange(len(codes)))


def fold(joined: Joined) -> Joined:
    """Fold the result of ``join`` by sound: remove hard and soft signs and repeated characters.

    Repeated blanks stay.
    """
    table = _sounds()
    codes = np.where(joined.codes < len(table), table[joined.codes % len(table)], joined.codes)
    place = np.flatnonzero(codes)
    codes = codes[place]
    selected = np.ones(len(codes), np.bool_)
    selected[1:] = (codes[1:] != codes[:-1]) | (codes[1:] == BLANK)
    return Joined(codes[selected], joined.first, place[selected])


def folded_word(text: str) -> str:
    """Return the letters and digits of ``text``, folded by sound."""
    joined = fold(join(["".join(filter(str.isalnum, text))]))
    return joined.string.strip()


def word_bounds(codes: Codes, shortest: int) -> tuple[Places, Places]:
    """Return the bounds of words of at least ``shortest`` characters in ``codes``, (characters,).

    Returns:
        The index of the first character of each word, and the index after its last; both (words,).
    """
    letter = _kinds()[np.minimum(codes, 0xFFFF)] == _LETTER
    change = np.diff(letter.astype(np.int8), prepend=0, append=0)
    start, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    long = end - start >= shortest
    return start[long], end[long]


def _lower(text: str) -> str:
    """Return ``text`` in lower case with the same length.

    A few capitals, which would become two characters, stay as they are.
    """
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lowered


@cache
def _kinds() -> NDArray[np.uint8]:
    """Return the kind of each code point up to U+FFFF: space, word character or neither.

    U+FFFF also stands for all code points above it, which are neither.
    """
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
    """Return the folded letter of each code point below U+0460; 0 for those to be removed."""
    table = np.arange(0x460, dtype=np.uint32)
    for written, sound in _FOLDED.items():
        table[written] = sound
    table[[ord(sign) for sign in _SILENT_SIGNS]] = 0
    return table
