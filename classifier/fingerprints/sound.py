"""Sound as chromaprint hears it: one number of 32 bits for every eighth of a second.

The library comes from the system (Debian: libchromaprint1). It is called directly: it takes six
functions, and the package of bindings on PyPI brings a decoder and a web client along.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Items = NDArray[np.uint32]

RATE = 16_000
ITEM_SECONDS = 1365 / 11_025
"""From one item to the next: a third of a window of 4096 samples at chromaprint's own rate."""
MOST_ITEMS = 4_900
"""Of ten minutes: the longest creative."""
PHASES = 4
_ALGORITHM = 1  # CHROMAPRINT_ALGORITHM_TEST2, its default
_LIBRARIES = ("libchromaprint.so.1", "libchromaprint.1.dylib", "libchromaprint.so.0")
# What it writes where nothing is to be heard.
SILENCE = np.uint32(627_964_279)

_WINDOW = 24  # items: three seconds
# Bits of a hundred that may differ within a window. Measured: 4 after another encoding, 18 where
# another voice speaks over the same music, 33 and more between other spots.
MOST_ERRORS = 0.2
_MOST_OFFSETS = 12
_MOST_PAIRS = 2_000_000


class SoundUnavailable(RuntimeError):  # noqa: N818
    """Chromaprint is not there: sounds can't be compared."""


@dataclass(frozen=True, slots=True)
class SharedSound:
    """``seconds`` heard in both, their ``share`` of the shorter one (0 to 1), and the share of
    bits that differ in them (``errors``, 0 to 0.5)."""

    seconds: float
    share: float
    errors: float


NOTHING = SharedSound(0.0, 0.0, 0.5)


def sound_print(audio: NDArray[np.float32]) -> Items:
    """The items of 16 kHz mono sound within -1 to 1, uint32 (PHASES, items).

    Row n begins n quarters of an item later: a spot that was cut seldom begins where an item
    does, and half an item's shift costs as many bits as a bad encoding. An item spans 2.6 s, so
    that less gives none. Raises ``SoundUnavailable``.
    """
    samples = np.rint(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    step = ITEM_SECONDS * RATE / PHASES
    rows = [_items(samples[round(phase * step) :]) for phase in range(PHASES)]
    length = min(len(row) for row in rows)
    return np.stack([row[:length] for row in rows])


def _items(samples: NDArray[np.int16]) -> Items:
    hearing = library()
    context = hearing.chromaprint_new(_ALGORITHM)
    try:
        fed = (
            hearing.chromaprint_start(context, RATE, 1)
            and hearing.chromaprint_feed(context, samples.ctypes.data, samples.size)
            and hearing.chromaprint_finish(context)
        )
        items, count = ctypes.POINTER(ctypes.c_uint32)(), ctypes.c_int()
        if not fed or not hearing.chromaprint_get_raw_fingerprint(
            context, ctypes.byref(items), ctypes.byref(count)
        ):
            return np.zeros(0, np.uint32)
        result = np.array(items[: min(count.value, MOST_ITEMS)], np.uint32)
        hearing.chromaprint_dealloc(items)
        return result
    finally:
        hearing.chromaprint_free(context)


@functools.cache
def library() -> Any:
    """Chromaprint's functions, typed. Raises ``SoundUnavailable``, and tries again then."""
    for name in _LIBRARIES:
        try:
            found = ctypes.CDLL(name)
        except OSError:
            continue
        pointer, number = ctypes.c_void_p, ctypes.c_int
        found.chromaprint_new.restype = pointer
        for function, arguments in (
            ("new", [number]),
            ("start", [pointer, number, number]),
            ("feed", [pointer, pointer, number]),
            ("finish", [pointer]),
            ("get_raw_fingerprint", [pointer, pointer, pointer]),
            ("dealloc", [pointer]),
            ("free", [pointer]),
        ):
            getattr(found, f"chromaprint_{function}").argtypes = arguments
        return found
    raise SoundUnavailable(f"none of {', '.join(_LIBRARIES)} can be loaded")


def shared(one: Items, other: Items) -> SharedSound:
    """What two sounds have in common, wherever it stands in either and however it was cut.

    All phases of ``one`` are held against the first of ``other``.
    """
    if not len(one) or not len(other):
        return NOTHING
    found = [_shared(row, other[0]) for row in one]
    return max(found, key=lambda one: (one.seconds * (0.5 - one.errors), one.seconds))


def _shared(one: Items, other: Items) -> SharedSound:
    length = min(len(one), len(other))
    if length < _WINDOW:
        return NOTHING
    heard = np.zeros(len(one), np.bool_), np.zeros(len(other), np.bool_)
    wrong = np.full(len(one), 32.0)
    for offset in _offsets(one, other):
        begin, end = max(0, -offset), min(len(one), len(other) - offset)
        if end - begin < _WINDOW:
            continue
        here, there = slice(begin, end), slice(begin + offset, end + offset)
        errors = np.bitwise_count(one[here] ^ other[there]).astype(np.float64)
        silent = (one[here] == SILENCE) & (other[there] == SILENCE)
        alike = _windows(errors, silent)
        heard[0][here] |= alike
        heard[1][there] |= alike
        wrong[here] = np.where(alike, np.minimum(wrong[here], errors), wrong[here])
    count = min(int(heard[0].sum()), int(heard[1].sum()))
    if not count:
        return NOTHING
    errors_share = float(wrong[heard[0]].mean()) / 32
    return SharedSound(count * ITEM_SECONDS, count / length, errors_share)


def _windows(errors: NDArray[np.float64], silent: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which items lie in a window that is alike and not silent, (items,)."""
    ends = np.concatenate([[0.0], np.cumsum(np.where(silent, 16.0, errors))])
    good = (ends[_WINDOW:] - ends[:-_WINDOW]) <= MOST_ERRORS * 32 * _WINDOW
    steps = np.zeros(len(errors) + 1, np.int64)
    starts = np.flatnonzero(good)
    np.add.at(steps, starts, 1)
    np.add.at(steps, starts + _WINDOW, -1)
    covered: NDArray[np.bool_] = np.cumsum(steps[:-1]) > 0
    return covered & ~silent


def _offsets(one: Items, other: Items) -> list[int]:
    """Where in ``other`` a sound of ``one`` may stand: most halves of items that agree, first."""
    counts = np.zeros(len(one) + len(other), np.int64)
    for shift in (0, 16):
        first, second = (one >> shift) & 0xFFFF, (other >> shift) & 0xFFFF
        order = np.argsort(second, kind="stable")
        left = np.searchsorted(second[order], first, "left")
        many = np.searchsorted(second[order], first, "right") - left
        many[one == SILENCE] = 0
        if many.sum() > _MOST_PAIRS:
            many[many > _MOST_PAIRS // len(one)] = 0
        rows = np.repeat(np.arange(len(one)), many)
        inside = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
        offsets = order[left[rows] + inside] - rows
        counts += np.bincount(offsets + len(one), minlength=len(counts))
    best = np.argsort(-counts, kind="stable")[:_MOST_OFFSETS]
    return [int(place) - len(one) for place in best if counts[place]]
