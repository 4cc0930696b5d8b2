"""Sounds and pictures that differ clearly by seed, for tests of near duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from classifier.fingerprints import SoundUnavailable, sound

SPEECH = (
    "Весенние скидки в магазине за углом: сметана, творог и свежий хлеб каждый день по цене "
    "прошлого года, приходите всей семьёй до конца апреля"
)


def _has_chromaprint() -> bool:
    try:
        sound.library()
    except SoundUnavailable:
        return False
    return True


needs_chromaprint = pytest.mark.skipif(
    not _has_chromaprint(), reason="libchromaprint1 is not installed"
)


def melody(seed: int, seconds: float) -> NDArray[np.float32]:
    """Return three voices of random notes at random paces, 16 kHz, float32, (samples,)."""
    random = np.random.default_rng([seed, 1])
    result = np.zeros(int(seconds * 16_000))
    for octave in (110, 220, 440):
        place = 0
        while place < len(result):
            length = min(int(random.uniform(0.12, 0.5) * 16_000), len(result) - place)
            hertz = octave * 2 ** (random.integers(0, 12) / 12)
            time = np.arange(length) / 16_000
            tone = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in (1, 2, 3))
            result[place : place + length] += 0.12 * tone * np.exp(-2 * time)
            place += length
    return result.astype(np.float32)


def scene(seed: int) -> NDArray[np.uint8]:
    """Return a picture with the structure of a photograph, uint8, (180, 320, 3) RGB."""
    random = np.random.default_rng([seed, 2])
    sums = np.zeros((180, 320))
    for cells in (3, 6, 12, 24):
        noise = random.normal(0, 1 / cells, (cells, 2 * cells)).astype(np.float32)
        sums += np.asarray(Image.fromarray(noise).resize((320, 180), Image.Resampling.BICUBIC))
    grey = np.clip(120 + 50 * sums / sums.std(), 0, 255).astype(np.uint8)
    return np.stack([grey, 255 - grey // 2, grey], axis=2)


def scenes(seed: int, count: int) -> list[NDArray[np.uint8]]:
    return [scene(1_000 * seed + number) for number in range(count)]
