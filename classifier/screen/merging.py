"""Merging of readings of the same line on several frames."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher

from classifier.screen.types import ScreenLine

_MIN_SIMILARITY = 0.8
# The first pictures after a cut are blurred: their readings resemble the line less.
_BLURRED_CONFIDENCE = 0.8
_MIN_SIMILARITY_BLURRED = 0.6
# Below this confidence another digit counts as a misreading, above it as another price.
_SURE_CONFIDENCE = 0.6
# A separator between two digits counts: 9,99 is another price than 999.
_IGNORED = re.compile(r"(?!(?<=\d)[.,]\d)[\W_]")
_DIGITS = re.compile(r"\d+")


def merge_lines(readings: Iterable[ScreenLine]) -> tuple[ScreenLine, ...]:
    """Merge readings, given in time order, so that each line occurs once, where it appeared first.

    Two readings are the same line if at least 80 % of their letters match in order, 60 % if one of
    them has a confidence under 0.8; case, spaces and punctuation are ignored, except for decimal
    separators. Readings with a confidence of at least 0.6 that differ in a number are different
    lines. The most confident reading gives the text.
    """
    merged: list[ScreenLine] = []
    keys: list[str] = []
    for reading in readings:
        key = _key(reading.text)
        place = next(
            (n for n, line in enumerate(merged) if _same(line, keys[n], reading, key)), None
        )
        if place is None:
            merged.append(reading)
            keys.append(key)
            continue
        line = merged[place]
        best = reading if reading.confidence > line.confidence else line
        last = max(line.last_seen, reading.last_seen)
        merged[place] = replace(best, seconds=line.seconds, last_seen=last)
        keys[place] = _key(best.text)
    return tuple(merged)


def _key(text: str) -> str:
    return _IGNORED.sub("", text.lower().replace("ё", "е"))


def _same(one: ScreenLine, one_key: str, other: ScreenLine, other_key: str) -> bool:
    if one_key == other_key:
        return True
    confidence = min(one.confidence, other.confidence)
    if confidence >= _SURE_CONFIDENCE and _DIGITS.findall(one.text) != _DIGITS.findall(other.text):
        return False
    min_similarity = (
        _MIN_SIMILARITY_BLURRED if confidence < _BLURRED_CONFIDENCE else _MIN_SIMILARITY
    )
    match = SequenceMatcher(None, one_key, other_key, autojunk=False)
    # The two quick ratios are cheap upper bounds of the exact one.
    return all(
        ratio() >= min_similarity
        for ratio in (match.real_quick_ratio, match.quick_ratio, match.ratio)
    )
