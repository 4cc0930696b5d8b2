"""Texts as arrays of code points, folded by sound: a recogniser writes a brand as it hears it.

Voiced consonants become voiceless, unstressed vowels one, signs go, and neighbours that are alike
count once: "звербанк" and "сфербанк" become the same word, "сбербанк" a near one.
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
    """Texts as one array of code points, each with a blank of its own on either side.

    ``first``: where each text begins, its leading blank included. ``place``: where each code
    point stood before folding took some away.
    """

    codes: Codes
    first: Places
    place: Places

    def text_of(self, place: Places) -> Places:
        """The number of the text in which each place (before folding) lies."""
        return np.searchsorted(self.first, place, side="right") - 1

    @property
    def string(self) -> str:
        """The code points as one string, one character each."""
        return self.codes.tobytes().decode("utf-32-le", "surrogatepass")


def join(texts: Sequence[str]) -> Joined:
    """Lower case, any white space a blank; nothing folded yet."""
    lowered = [_lower(text) for text in texts]
    lengths = np.fromiter((len(text) for text in lowered), np.int64, len(lowered))
    first = np.cumsum(lengths + 2) - lengths - 2
    joined = "".join(f" {text} " for text in lowered)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind = _kinds()[np.minimum(codes, 0xFFFF)]
    codes = np.where(kind == _SPACE, np.uint32(BLANK), codes)
    return Joined(codes, first, np.arange(len(codes)))


def fold(joined: Joined) -> Joined:
    """The same texts by sound: letters folded, signs and doubled characters taken out."""
    table = _sounds()
    codes = np.where(joined.codes < len(table), table[joined.codes % len(table)], joined.codes)
    place = np.flatnonzero(codes)
    codes = codes[place]
    kept = np.ones(len(codes), np.bool_)
    kept[1:] = (codes[1:] != codes[:-1]) | (codes[1:] == BLANK)
    return Joined(codes[kept], joined.first, place[kept])


def folded_word(text: str) -> str:
    """One text by sound, its blanks and marks left out."""
    joined = fold(join(["".join(filter(str.isalnum, text))]))
    return joined.string.strip()


def word_bounds(codes: Codes, shortest: int) -> tuple[Places, Places]:
    """Where words of at least ``shortest`` characters begin and end."""
    letter = _kinds()[np.minimum(codes, 0xFFFF)] == _LETTER
    change = np.diff(letter.astype(np.int8), prepend=0, append=0)
    start, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    long = end - start >= shortest
    return start[long], end[long]


def _lower(text: str) -> str:
    """Lower case that keeps every character's place: a few capitals would grow by a letter."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lowered


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
