"""Search for entries of the lexicon (``lexicon_words``) in texts, tolerant of misspellings.

Words are compared by sound, that is, after folding. An entry that ends with ``=`` matches a whole
word, any other entry the beginning of a word. Two neighbouring words are also compared as one, so
that a name that the recogniser split ("сама кат") is found. ``PATTERNS`` are searched before
folding.

A word that begins with no entry may misspell one. It matches an entry without ``=`` of at least six
letters (``FUZZY_FROM``, after folding) if

- its beginning is the entry with one wrong or one superfluous letter, or
- the whole word is the entry without one of its letters.

The first letter has to be right.
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

# Letters of the shortest entry that a misspelt word can match.
FUZZY_FROM = 6
_CACHE_SIZE = 1 << 16


@dataclass(frozen=True, slots=True)
class MatchArrays:
    """Hashes of names or of pairs of names, and their places in the joined texts before folding.

    The arrays are parallel, (matches,). ``start``: the index of the first character. ``end``: the
    index after the last one. The place of a pair spans both of its parts.
    """

    hashes: Hashes
    start: Places
    end: Places


@dataclass(frozen=True, slots=True)
class LexiconMatches:
    """The matches of the lexicon in some texts.

    ``concepts``: groups (the keys of ``BRANDS``, ``TOPICS`` and ``PATTERNS``), brands, and pairs of
    the groups in ``COMBINED`` that occur in one text. ``sequences``: pairs of groups that follow
    each other, with any number of words without a group in between. Sequences leave out groups that
    only two words together or a pattern match.
    """

    concepts: MatchArrays
    sequences: MatchArrays


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Hit:
    """A match: the number of a name of the lexicon, and its place in the texts."""

    name: int
    start: int
    end: int


def lexicon_digest() -> str:
    """Return the sha256 of all entries, by which a model states its version of the lexicon."""
    entries = repr((BRANDS, TOPICS, PATTERNS, COMBINED, NUMBER))
    return hashlib.sha256(entries.encode()).hexdigest()


def find(written: Joined, folded: Joined) -> LexiconMatches:
    """Return the matches in joined texts.

    Args:
        written: The result of ``phonetics.join``.
        folded: ``phonetics.fold(written)``.
    """
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
    return LexiconMatches(_as_arrays(lexicon, concepts), _as_arrays(lexicon, sequences))


def _together(lexicon: _Lexicon, hits: Sequence[_Hit]) -> list[tuple[_Hit, _Hit]]:
    """Return the pairs of groups of ``COMBINED`` in one text: the first hits of both groups."""
    first: dict[int, _Hit] = {}
    for hit in hits:
        if hit.name in lexicon.combined:
            first.setdefault(hit.name, hit)
    return list(combinations((first[name] for name in sorted(first)), 2))


def _in_sequence(lexicon: _Lexicon, single: Sequence[Sequence[_Hit]]) -> list[tuple[_Hit, _Hit]]:
    grouped = [[hit for hit in hits if hit.name < lexicon.groups] for hits in single]
    steps = [hits for hits in grouped if hits]
    return [pair for one, two in pairwise(steps) for pair in product(one, two)]


def _as_arrays(lexicon: _Lexicon, pairs: Sequence[tuple[_Hit, _Hit]]) -> MatchArrays:
    """Return arrays of pairs of hits. If both hits have one name, the hash is that of the name."""
    left = np.array([one.name for one, _ in pairs], np.int64)
    right = np.array([two.name for _, two in pairs], np.int64)
    hashes = pair_hashes(lexicon.hashes[left], lexicon.hashes[right])
    return MatchArrays(
        np.where(left == right, lexicon.hashes[left], hashes),
        np.array([min(one.start, two.start) for one, two in pairs], np.int64),
        np.array([max(one.end, two.end) for one, two in pairs], np.int64),
    )


def _words(folded: Joined) -> list[list[_Word]]:
    """Return the folded words of each text, with their places before folding."""
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
    bounds = [*written.first.tolist(), len(string)]
    # Text by text: a price must not begin in one text and end in the next.
    return [
        [
            _Hit(name, *match.span())
            for name, pattern in lexicon.patterns
            for match in pattern.finditer(string, first, after)
        ]
        for first, after in pairwise(bounds)
    ]


class _Lexicon:
    """The entries by their sound.

    Each name has a number: groups have 0 to ``groups`` - 1, brands the numbers after these.
    """

    def __init__(self) -> None:
        names = [*BRANDS, *TOPICS, *PATTERNS]
        self.groups = len(names)
        self.combined = frozenset(names.index(name) for name in COMBINED)
        self.patterns = [(names.index(name), re.compile(p)) for name, p in PATTERNS.items()]
        self._number = names.index(NUMBER)
        self._whole: dict[str, tuple[int, ...]] = {}
        self._prefixes: dict[str, tuple[int, ...]] = {}
        for group, entries in (BRANDS | TOPICS).items():
            for entry in filter(None, (" ".join(part.split()) for part in entries.split(","))):
                belongs: tuple[int, ...] = (names.index(group),)
                if group in BRANDS:
                    belongs += (len(names),)
                    names.append(f"brand {entry}")
                sound = folded_word(entry)
                place = self._whole if entry.endswith("=") else self._prefixes
                place[sound] = (*place.get(sound, ()), *belongs)
        self.hashes: Hashes = np.array([name_hash(name) for name in names], np.uint64)
        self._longest = max(map(len, self._prefixes))
        self._deletions: dict[str, list[tuple[str, int]]] = {}
        for sound in self._prefixes:
            for deleted_at in range(1, len(sound)) if len(sound) >= FUZZY_FROM else ():
                shortened = sound[:deleted_at] + sound[deleted_at + 1 :]
                self._deletions.setdefault(shortened, []).append((sound, deleted_at))
        self._match = lru_cache(_CACHE_SIZE)(self._find_names)

    def hits(self, word: _Word) -> list[_Hit]:
        return [_Hit(name, word.start, word.end) for name in self._match(word.text, 0)]

    def joint_hits(self, word: _Word, follower: _Word) -> list[_Hit]:
        """Return the hits of two words written as one that reach into ``follower``."""
        doubled = word.text[-1] == follower.text[0]
        names = self._match(word.text + follower.text[doubled:], len(word.text))
        return [_Hit(name, word.start, follower.end) for name in names]

    def _find_names(self, word: str, beyond: int) -> tuple[int, ...]:
        """Return the names of the entries that match a word.

        Entries with ``=`` have to match all of ``word``, others a beginning of it that is longer
        than ``beyond``. If ``beyond`` is 0, a word that begins with a digit also has the name
        ``NUMBER``.
        """
        names = set(self._whole.get(word, ()))
        if word[0].isdigit() and not beyond:
            names.add(self._number)
        exact = False
        for length in range(max(2, beyond + 1), min(len(word), self._longest) + 1):
            if known := self._prefixes.get(word[:length]):
                names.update(known)
                exact = True
        if not exact:
            shortest = max(FUZZY_FROM - 1, beyond + 1)
            for length in range(shortest, min(len(word), self._longest + 1) + 1):
                names.update(self._fuzzy_names(word[:length], length == len(word)))
        return tuple(sorted(names))

    def _fuzzy_names(self, prefix: str, whole: bool) -> set[int]:
        """Return the names of the entries that ``prefix``, the beginning of a word, misspells.

        These are entries without ``=`` of at least ``FUZZY_FROM`` letters that differ from
        ``prefix`` in one letter, but not in the first. An entry that has one letter more counts
        only if ``whole``: ``prefix`` is the whole word.
        """
        names: set[int] = set()
        if whole:
            for sound, _ in self._deletions.get(prefix, ()):
                names.update(self._prefixes[sound])
        for place in range(1, len(prefix)):
            shortened = prefix[:place] + prefix[place + 1 :]
            if len(shortened) >= FUZZY_FROM:
                names.update(self._prefixes.get(shortened, ()))
            for sound, deleted in self._deletions.get(shortened, ()):
                if deleted == place:
                    names.update(self._prefixes[sound])
        return names


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon()
