"""The fingerprint of a spot, and the numbers under which an index finds it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.fingerprints import pictures, sound, words

METHOD = "chromaprint 1, dhash 64, word pairs"
"""Fingerprints of different methods can't be compared."""

# Sounds are indexed by one item in four, chosen by its own bits, so that both sides choose alike.
_SAMPLE = 2
_MOST_SOUND_KEYS = 256
_MIX = np.uint32(0x9E3779B1)  # Knuth's multiplicative hash
# Three rows of a hash to a key: a picture is found if all its different bits lie elsewhere.
_BANDS = ((0, 1, 2), (2, 3, 4), (3, 4, 5), (5, 6, 7))


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is compared of a spot.

    ``sound``: chromaprint's items, uint32 (phases, items), (0, 0) if not heard. ``pictures``:
    hashes of its different pictures as they are and in a mirror, uint64 (pictures, 2).
    ``words``: pairs of words of its speech, uint32 (pairs,). ``has_pictures``: whether there were
    any, dull ones included.
    """

    sound: NDArray[np.uint32]
    pictures: NDArray[np.uint64]
    words: NDArray[np.uint32]
    has_pictures: bool


def fingerprint_of(
    audio: NDArray[np.float32] | None, images: Sequence[NDArray[np.uint8]], speech: str
) -> Fingerprint:
    """``audio`` is 16 kHz mono within -1 to 1, None where sounds are not to be compared;
    ``images`` are RGB pictures of the spot in time order, ``speech`` what is said in it.

    Raises ``SoundUnavailable``, never where ``audio`` is None.
    """
    return Fingerprint(
        sound=np.zeros((0, 0), np.uint32) if audio is None else sound.sound_print(audio),
        pictures=pictures.picture_print(images),
        words=words.word_print(speech),
        has_pictures=bool(images),
    )


def index_keys(one: Fingerprint) -> list[int]:
    """Numbers from 0 to 2**34 under which a spot is kept. Each once, none for an empty one."""
    return sorted({*_sound_keys(one.sound[:1]), *_picture_keys(one.pictures[:, 0])})


def query_keys(one: Fingerprint) -> list[int]:
    """Numbers under which spots like this one are kept: in all phases, and in a mirror."""
    return sorted({*_sound_keys(one.sound), *_picture_keys(one.pictures.ravel())})


def _sound_keys(rows: NDArray[np.uint32]) -> list[int]:
    items = np.unique(rows[rows != sound.SILENCE])
    mixed = items * _MIX
    order = np.argsort(mixed)
    chosen = items[order][(mixed[order] >> 16) % _SAMPLE == 0]
    return [int(item) for item in chosen[: _MOST_SOUND_KEYS * max(1, len(rows))]]


def _picture_keys(hashes: NDArray[np.uint64]) -> list[int]:
    rows = hashes.astype(">u8").view(np.uint8).reshape(-1, 8).astype(np.int64)
    keys = []
    for number, (a, b, c) in enumerate(_BANDS):
        places = (rows[:, a] << 16) | (rows[:, b] << 8) | rows[:, c]
        keys.append((1 << 33) | (number << 24) | places)
    return [int(key) for key in np.concatenate(keys)]
