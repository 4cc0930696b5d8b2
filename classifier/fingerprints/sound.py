"""Sound fingerprints by chromaprint: a number of 32 bits for every eighth of a second.

The library comes from the operating system (Debian: libchromaprint1). It is called directly: seven
functions are needed, and the package of bindings on PyPI depends on a decoder and a web client.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Items = NDArray[np.uint32]

RATE = 16_000
ITEM_SECONDS = 1365 / 11_025
"""Time from one item to the next: a third of a window of 4096 samples at chromaprint's own rate."""
MAX_ITEMS = 4_900
"""The items of ten minutes, the longest creative."""
PHASES = 4
_ALGORITHM = 1  # CHROMAPRINT_ALGORITHM_TEST2, its default
_LIBRARIES = ("libchromaprint.so.1", "libchromaprint.1.dylib", "libchromaprint.so.0")
# Chromaprint's item for silence.
SILENCE = np.uint32(627_964_279)

_WINDOW = 24  # items: three seconds
# The share of bits that may differ within a window. Measured: 4 % after re-encoding, 18 % where
# another voice speaks over the same music, 33 % and more between different spots.
MAX_ERRORS = 0.2
_MAX_OFFSETS = 12
_MAX_PAIRS = 2_000_000


class SoundUnavailable(RuntimeError):  # noqa: N818
    """Chromaprint is not installed, so that sounds can't be compared."""


@dataclass(frozen=True, slots=True)
class SharedSound:
    """Sound that two spots share.

    Attributes:
        seconds: Length of the shared sound.
        share: Its share of the shorter sound, 0 to 1.
        errors: Share of bits that differ in it, 0 to 0.5.
    """

    seconds: float
    share: float
    errors: float


NO_MATCH = SharedSound(0.0, 0.0, 0.5)


def sound_print(audio: NDArray[np.float32]) -> Items:
    """Return the items of 16 kHz mono sound within -1 to 1, (samples,), as uint32 (PHASES, items).

    Row n starts n quarters of an item later: a cut spot seldom starts where an item of the original
    does, and a shift by half an item changes as many bits as bad encoding. An item spans 2.6 s;
    shorter sounds have none.

    Raises:
        SoundUnavailable: Chromaprint is not installed.
    """
    samples = np.rint(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    step = ITEM_SECONDS * RATE / PHASES
    rows = [_items(samples[round(phase * step) :]) for phase in range(PHASES)]
    length = min(len(row) for row in rows)
    return np.stack([row[:length] for row in rows])


def _items(samples: NDArray[np.int16]) -> Items:
    chromaprint = library()
    context = chromaprint.chromaprint_new(_ALGORITHM)
    try:
        succeeded = (
            chromaprint.chromaprint_start(context, RATE, 1)
            and chromaprint.chromaprint_feed(context, samples.ctypes.data, samples.size)
            and chromaprint.chromaprint_finish(context)
        )
        items, count = ctypes.POINTER(ctypes.c_uint32)(), ctypes.c_int()
        if not succeeded or not chromaprint.chromaprint_get_raw_fingerprint(
            context, ctypes.byref(items), ctypes.byref(count)
        ):
            return np.zeros(0, np.uint32)
        result = np.array(items[: min(count.value, MAX_ITEMS)], np.uint32)
        chromaprint.chromaprint_dealloc(items)
        return result
    finally:
        chromaprint.chromaprint_free(context)


@functools.cache
def library() -> Any:
    """Return chromaprint with typed functions. A failure is not cached: the next call tries again.

    Raises:
        SoundUnavailable: The library can't be loaded.
    """
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
    """Return what two sounds share at any position, however they were cut.

    All phases of ``one`` are compared with the first phase of ``other``; shapes (phases, items).
    """
    if not len(one) or not len(other):
        return NO_MATCH
    found = [_shared(row, other[0]) for row in one]
    return max(found, key=lambda one: (one.seconds * (0.5 - one.errors), one.seconds))


def _shared(one: Items, other: Items) -> SharedSound:
    length = min(len(one), len(other))
    if length < _WINDOW:
        return NO_MATCH
    matched = np.zeros(len(one), np.bool_), np.zeros(len(other), np.bool_)
    wrong = np.full(len(one), 32.0)
    for offset in _offsets(one, other):
        start, end = max(0, -offset), min(len(one), len(other) - offset)
        if end - start < _WINDOW:
            continue
        part, other_part = slice(start, end), slice(start + offset, end + offset)
        errors = np.bitwise_count(one[part] ^ other[other_part]).astype(np.float64)
        silent = (one[part] == SILENCE) & (other[other_part] == SILENCE)
        similar = _windows(errors, silent)
        matched[0][part] |= similar
        matched[1][other_part] |= similar
        wrong[part] = np.where(similar, np.minimum(wrong[part], errors), wrong[part])
    count = min(int(matched[0].sum()), int(matched[1].sum()))
    if not count:
        return NO_MATCH
    errors_share = float(wrong[matched[0]].mean()) / 32
    return SharedSound(count * ITEM_SECONDS, count / length, errors_share)


def _windows(errors: NDArray[np.float64], silent: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which items lie in a similar window and are not silent in both sounds, (items,)."""
    ends = np.concatenate([[0.0], np.cumsum(np.where(silent, 16.0, errors))])
    good = (ends[_WINDOW:] - ends[:-_WINDOW]) <= MAX_ERRORS * 32 * _WINDOW
    steps = np.zeros(len(errors) + 1, np.int64)
    starts = np.flatnonzero(good)
    np.add.at(steps, starts, 1)
    np.add.at(steps, starts + _WINDOW, -1)
    covered: NDArray[np.bool_] = np.cumsum(steps[:-1]) > 0
    return covered & ~silent


def _offsets(one: Items, other: Items) -> list[int]:
    """Return likely offsets of ``one`` in ``other``, those with the most equal half items first."""
    counts = np.zeros(len(one) + len(other), np.int64)
    for shift in (0, 16):
        first, second = (one >> shift) & 0xFFFF, (other >> shift) & 0xFFFF
        order = np.argsort(second, kind="stable")
        left = np.searchsorted(second[order], first, "left")
        counts_of_rows = np.searchsorted(second[order], first, "right") - left
        counts_of_rows[one == SILENCE] = 0
        if counts_of_rows.sum() > _MAX_PAIRS:
            counts_of_rows[counts_of_rows > _MAX_PAIRS // len(one)] = 0
        rows = np.repeat(np.arange(len(one)), counts_of_rows)
        inside = np.arange(len(rows)) - np.repeat(
            np.cumsum(counts_of_rows) - counts_of_rows, counts_of_rows
        )
        offsets = order[left[rows] + inside] - rows
        counts += np.bincount(offsets + len(one), minlength=len(counts))
    best = np.argsort(-counts, kind="stable")[:_MAX_OFFSETS]
    return [int(place) - len(one) for place in best if counts[place]]
