"""Finds what the lexicon (``lexicon_words``) knows, also where a recogniser misspells it.

Words are compared by sound. An entry of six letters or more may have one of them wrong, missing
or too many, but the first; a name that was torn apart ("сама кат") is put together again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, pairwise, product

import numpy as np

from classifier.text.hashing import Hashes, name_hash, pair_hashes
from classifier.text.lexicon_words import BRANDS, COMBINED, NUMBER, PATTERNS, TOPICS
from classifier.text.phonetics import Joined, Places, folded_word, word_bounds

FUZZY_FROM = 6
_REMEMBERED = 1 << 16


@dataclass(frozen=True, slots=True)
class Found:
    """Hashed names in parallel arrays with their places in the joined texts before folding."""

    hashes: Hashes
    start: Places
    end: Places


@dataclass(frozen=True, slots=True)
class Known:
    """``concepts``: groups, brands, and pairs of groups in one text. ``sequences``: groups that
    follow each other, whatever words of no group stand between."""

    concepts: Found
    sequences: Found


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Hit:
    """A name of the lexicon and where it stands."""

    name: int
    start: int
    end: int


def lexicon_digest() -> str:
    """The sha256 of all entries: models learn from one lexicon, and say from which."""
    entries = repr((BRANDS, TOPICS, PATTERNS, COMBINED, NUMBER))
    return hashlib.sha256(entries.encode()).hexdigest()


def find(written: Joined, folded: Joined) -> Known:
    """What is known in the same texts, given before and after folding."""
    lexicon = _lexicon()
    concepts: list[tuple[_Hit, _Hit]] = []
    sequences: list[tuple[_Hit, _Hit]] = []
    for words, patterns in zip(_words(folded), _patterns(lexicon, written), strict=True):
        single = [lexicon.hits(word) for word in words]
        joint = [lexicon.joint_hits(*pair) for pair in pairwise(words)]
        hits = [hit for part in (*single, *joint, patterns) for hit in part]
        concepts += [(hit, hit) for hit in hits]
        concepts += _together(lexicon, hits)
        sequences += _in_sequence(lexicon, single)
    return Known(_found(lexicon, concepts), _found(lexicon, sequences))


def _together(lexicon: _Lexicon, hits: Sequence[_Hit]) -> list[tuple[_Hit, _Hit]]:
    """Pairs of the groups that are worth combining, in the order of their names."""
    first: dict[int, _Hit] = {}
    for hit in hits:
        if hit.name in lexicon.combined:
            first.setdefault(hit.name, hit)
    return list(combinations((first[name] for name in sorted(first)), 2))


def _in_sequence(lexicon: _Lexicon, single: Sequence[Sequence[_Hit]]) -> list[tuple[_Hit, _Hit]]:
    grouped = [[hit for hit in hits if hit.name < lexicon.groups] for hits in single]
    steps = [hits for hits in grouped if hits]
    return [pair for one, two in pairwise(steps) for pair in product(one, two)]


def _found(lexicon: _Lexicon, pairs: Sequence[tuple[_Hit, _Hit]]) -> Found:
    """Hits as arrays; one that is paired with itself keeps its own hash."""
    left = np.array([one.name for one, _ in pairs], np.int64)
    right = np.array([two.name for _, two in pairs], np.int64)
    hashes = pair_hashes(lexicon.hashes[left], lexicon.hashes[right])
    return Found(
        np.where(left == right, lexicon.hashes[left], hashes),
        np.array([min(one.start, two.start) for one, two in pairs], np.int64),
        np.array([max(one.end, two.end) for one, two in pairs], np.int64),
    )


def _words(folded: Joined) -> list[list[_Word]]:
    """The folded words of each text, with their places before folding."""
    start, end = word_bounds(folded.codes, shortest=1)
    string = folded.string
    begins, ends = folded.place[start], folded.place[end - 1] + 1
    result: list[list[_Word]] = [[] for _ in folded.first]
    bounds = zip(*(part.tolist() for part in (start, end, begins, ends)), strict=True)
    for text, (a, b, begin, stop) in zip(folded.text_of(begins).tolist(), bounds, strict=True):
        result[text].append(_Word(string[a:b], begin, stop))
    return result


def _patterns(lexicon: _Lexicon, written: Joined) -> list[list[_Hit]]:
    string = written.string
    hits = [
        _Hit(name, *match.span())
        for name, pattern in lexicon.patterns
        for match in pattern.finditer(string)
    ]
    result: list[list[_Hit]] = [[] for _ in written.first]
    texts = written.text_of(np.array([hit.start for hit in hits], np.int64))
    for text, hit in zip(texts.tolist(), hits, strict=True):
        result[text].append(hit)
    return result


class _Lexicon:
    """The entries by their sound. Names are numbers: first the ``groups``, then the brands."""

    def __init__(self) -> None:
        names = [*BRANDS, *TOPICS, *PATTERNS]
        self.groups = len(names)
        self.combined = frozenset(names.index(name) for name in COMBINED)
        self.patterns = [(names.index(name), re.compile(p)) for name, p in PATTERNS.items()]
        self._number = names.index(NUMBER)
        self._whole: dict[str, tuple[int, ...]] = {}
        self._begun: dict[str, tuple[int, ...]] = {}
        for group, entries in (BRANDS | TOPICS).items():
            for entry in filter(None, (" ".join(part.split()) for part in entries.split(","))):
                belongs: tuple[int, ...] = (names.index(group),)
                if group in BRANDS:
                    belongs += (len(names),)
                    names.append(f"brand {entry}")
                sound = folded_word(entry)
                place = self._whole if entry.endswith("=") else self._begun
                place[sound] = (*place.get(sound, ()), *belongs)
        self.hashes: Hashes = np.array([name_hash(name) for name in names], np.uint64)
        self._longest = max(map(len, self._begun))
        self._mutilated: dict[str, list[tuple[str, int]]] = {}
        for sound in self._begun:
            for place_lost in range(1, len(sound)) if len(sound) >= FUZZY_FROM else ():
                lost = sound[:place_lost] + sound[place_lost + 1 :]
                self._mutilated.setdefault(lost, []).append((sound, place_lost))
        self._match = lru_cache(_REMEMBERED)(self._match_anew)

    def hits(self, word: _Word) -> list[_Hit]:
        return [_Hit(name, word.start, word.end) for name in self._match(word.text, 0)]

    def joint_hits(self, word: _Word, follower: _Word) -> list[_Hit]:
        """What two neighbouring words say only together."""
        doubled = word.text[-1] == follower.text[0]
        names = self._match(word.text + follower.text[doubled:], len(word.text))
        return [_Hit(name, word.start, follower.end) for name in names]

    def _match_anew(self, word: str, beyond: int) -> tuple[int, ...]:
        """The names whose entry fits a beginning of ``word`` longer than ``beyond``."""
        names = set(self._whole.get(word, ()))
        if word[0].isdigit() and not beyond:
            names.add(self._number)
        exact = False
        for length in range(max(2, beyond + 1), min(len(word), self._longest) + 1):
            if known := self._begun.get(word[:length]):
                names.update(known)
                exact = True
        if not exact:
            shortest = max(FUZZY_FROM - 1, beyond + 1)
            for length in range(shortest, min(len(word), self._longest + 1) + 1):
                names.update(self._nearly(word[:length], length == len(word)))
        return tuple(sorted(names))

    def _nearly(self, said: str, whole: bool) -> set[int]:
        """The names of entries that are one letter away from ``said``."""
        names: set[int] = set()
        if whole:
            for sound, _ in self._mutilated.get(said, ()):
                names.update(self._begun[sound])
        for place in range(1, len(said)):
            lost = said[:place] + said[place + 1 :]
            if len(lost) >= FUZZY_FROM:
                names.update(self._begun.get(lost, ()))
            for sound, there in self._mutilated.get(lost, ()):
                if there == place:
                    names.update(self._begun[sound])
        return names


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon()
