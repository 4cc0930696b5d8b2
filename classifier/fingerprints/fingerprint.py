"""The fingerprint of a spot, and its keys in an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.fingerprints import pictures, sound, words

METHOD = "chromaprint 1, dhash 64, word pairs"
"""Stored with fingerprints: those of different methods can't be compared."""

# One item in ``_SAMPLE`` is indexed. The choice depends on the item's bits alone, so that spots
# that share an item agree on it.
_SAMPLE = 2
_MAX_SOUND_KEYS = 256
_MIX = np.uint32(0x9E3779B1)  # Knuth's multiplicative hash
# Rows (bytes) of a hash that make a key. A picture is found if the bits that differ are all outside
# the rows of at least one key.
_BANDS = ((0, 1, 2), (2, 3, 4), (3, 4, 5), (5, 6, 7))


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is compared of a spot.

    Attributes:
        sound: Chromaprint's items, uint32 (phases, items); (0, 0) if sound was not fingerprinted.
        pictures: Hashes of the distinct pictures and of their mirror images, uint64 (pictures, 2).
        words: Checksums of pairs of adjacent words of the speech, uint32 (pairs,).
        has_pictures: Whether the spot has pictures, including those with too little contrast for a
            hash.
    """

    sound: NDArray[np.uint32]
    pictures: NDArray[np.uint64]
    words: NDArray[np.uint32]
    has_pictures: bool


def fingerprint_of(
    audio: NDArray[np.float32] | None, images: Sequence[NDArray[np.uint8]], speech: str
) -> Fingerprint:
    """Return the fingerprint of a spot.

    Args:
        audio: 16 kHz mono within -1 to 1, (samples,); None leaves sound out.
        images: RGB pictures in time order, uint8 (height, width, 3).
        speech: Text of everything that is spoken.

    Raises:
        SoundUnavailable: ``audio`` is given and chromaprint is not installed.
    """
    return Fingerprint(
        sound=np.zeros((0, 0), np.uint32) if audio is None else sound.sound_print(audio),
        pictures=pictures.picture_print(images),
        words=words.word_print(speech),
        has_pictures=bool(images),
    )


def index_keys(one: Fingerprint) -> list[int]:
    """Return the keys under which a spot is stored: distinct, from 0 to 2**34, none if empty."""
    return sorted({*_sound_keys(one.sound[:1]), *_picture_keys(one.pictures[:, 0])})


def query_keys(one: Fingerprint) -> list[int]:
    """Return the keys under which similar spots are stored: of all phases and of mirror images."""
    return sorted({*_sound_keys(one.sound), *_picture_keys(one.pictures.ravel())})


def _sound_keys(rows: NDArray[np.uint32]) -> list[int]:
    items = np.unique(rows[rows != sound.SILENCE])
    mixed = items * _MIX
    order = np.argsort(mixed)
    chosen = items[order][(mixed[order] >> 16) % _SAMPLE == 0]
    return [int(item) for item in chosen[: _MAX_SOUND_KEYS * max(1, len(rows))]]


def _picture_keys(hashes: NDArray[np.uint64]) -> list[int]:
    rows = hashes.astype(">u8").view(np.uint8).reshape(-1, 8).astype(np.int64)
    keys = []
    for number, (a, b, c) in enumerate(_BANDS):
        values = (rows[:, a] << 16) | (rows[:, b] << 8) | rows[:, c]
        keys.append((1 << 33) | (number << 24) | values)
    return [int(key) for key in np.concatenate(keys)]
