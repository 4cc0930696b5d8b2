"""Fingerprints of imaginary spots by random pictures, which take no time to make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifier.fingerprints import Fingerprint as Print
from creativefilter.creatives.families.fingerprints import NewFingerprint

PICTURES = 6


def spot(*seeds: int, pictures: Sequence[int] = range(PICTURES)) -> NewFingerprint:
    """Return the fingerprint of these spots in one.

    Args:
        seeds: Each is another spot. With several, the creative is a near duplicate of all of them.
        pictures: The pictures of each spot that it has; near duplicates share three at least.
    """
    hashes = [
        np.random.default_rng(seed).integers(0, 2**64, (PICTURES, 2), np.uint64)[list(pictures)]
        for seed in seeds
    ]
    return NewFingerprint(
        Print(
            sound=np.zeros((0, 0), np.uint32),
            pictures=np.concatenate(hashes),
            words=np.zeros(0, np.uint32),
            has_pictures=True,
        ),
        sound_compared=True,
    )
