"""Selection and validation of frames for an encoder, and the mean of several vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.pictures.types import Picture

if TYPE_CHECKING:
    from classifier.media import Frame

# The number of frames that X-CLIP was trained on.
FRAMES = 8


def clips(count: int, size: int) -> NDArray[np.int64]:
    """Return the indices of the frames of each clip, (clips, size), of a spot with `count` frames.

    A spot of more than `size` frames is cut into equal consecutive parts, one clip each, so that
    all of it is encoded. Within a part frames are spread evenly, and repeated if it has fewer than
    `size`.
    """
    parts = np.array_split(np.arange(count), -(-count // size))
    return np.stack(
        [part[np.linspace(0, len(part) - 1, size).round().astype(np.int64)] for part in parts]
    )


def evenly(frames: Sequence[Frame], count: int = FRAMES) -> list[Picture]:
    """Return the pictures of at most ``count`` frames, spread evenly over the given ones."""
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return [frames[place].image for place in places]


def check(frames: Sequence[Picture]) -> None:
    """Check that these are frames as `PictureEncoder.encode` takes them.

    Raises:
        ValueError: There are none, or one is not RGB, uint8 (height, width, 3).
    """
    if not frames:
        raise ValueError("a spot without pictures cannot be encoded")
    for frame in frames:
        # Floats in 0-1 would be scaled down a second time without an error.
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise ValueError(
                f"expected an RGB picture, uint8 (height, width, 3), got "
                f"{frame.dtype} {frame.shape}"
            )


def mean_direction(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean direction of `vectors`, (n, dimension): float32 (dimension,), of length 1."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    mean = unit.mean(axis=0)
    result: NDArray[np.float32] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(
        np.float32
    )
    return result
