"""The shape of a text as named steps: its length, its punctuation, its digits and prices."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from classifier.text.hashing import name_hash

_LATIN = re.compile(r"[a-zA-Z]{3}")
_MONEY = re.compile(r"\d+[.,]\d\d\b")
_STEPS: dict[str, tuple[float, ...]] = {
    "words": (4, 8, 13, 20, 30, 45, 65, 100),
    "exclamations": (1, 2, 4, 7),
    "questions": (1, 2, 4),
    "commas": (0.04, 0.08, 0.13, 0.2),
    "sentence": (4, 7, 11, 18),
    "digits": (0.004, 0.02, 0.05, 0.1),
    "capitals": (0.02, 0.04, 0.06, 0.1),
    "distinct": (0.5, 0.7, 0.85, 0.95),
    "latin": (1,),
    "prices": (1, 2, 3),
}


def shapes(text: str) -> list[np.uint64]:
    """Return the hashed names of the steps that the measures reach; [] for a text without words."""
    words = text.split()
    if not words:
        return []
    length = len(text)
    measures = {
        "words": len(words),
        "exclamations": text.count("!"),
        "questions": text.count("?"),
        "commas": text.count(",") / len(words),
        "sentence": len(words) / max(sum(map(text.count, ".!?")), 1),
        "digits": sum(map(str.isdigit, text)) / length,
        "capitals": sum(map(str.isupper, text)) / length,
        "distinct": len(set(words)) / len(words),
        "latin": len(_LATIN.findall(text)),
        "prices": len(_MONEY.findall(text)),
    }
    hashes = _hashes()
    return [
        hashes[name, step]
        for name, value in measures.items()
        for step in _STEPS[name]
        if value >= step
    ]


@cache
def _hashes() -> dict[tuple[str, float], np.uint64]:
    return {
        (name, step): name_hash(f"shape {name} {step}")
        for name, steps in _STEPS.items()
        for step in steps
    }
