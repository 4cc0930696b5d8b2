"""The same line on many frames becomes one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher

from classifier.screen.types import ScreenLine

_ALIKE = 0.8
# The first pictures after a cut are blurred: what was read of them resembles the line less.
_BLURRED = 0.8
_BLURRED_ALIKE = 0.6
# Below it a different digit is taken for a misreading, above it for another price.
_SURE = 0.6
_IGNORED = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")


def merge_lines(readings: Iterable[ScreenLine]) -> tuple[ScreenLine, ...]:
    """Readings in time order, each line once, where it was first seen.

    Lines are the same when at least 80 % of their letters match in order, 60 % if one was read
    with doubts (case, spaces and punctuation aside); lines that were read well and differ in a
    number are not. The most confident reading gives the text.
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
    if confidence >= _SURE and _DIGITS.findall(one.text) != _DIGITS.findall(other.text):
        return False
    alike = _BLURRED_ALIKE if confidence < _BLURRED else _ALIKE
    match = SequenceMatcher(None, one_key, other_key, autojunk=False)
    # Both quick ones are upper bounds of the third, and cheap.
    return all(
        ratio() >= alike for ratio in (match.real_quick_ratio, match.quick_ratio, match.ratio)
    )
