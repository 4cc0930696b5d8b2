"""Seeing a spot: its frames become one vector of unit length.

Two encoders, one interface. X-CLIP has learned what happens in videos; it comes from a hub or a
folder. EfficientNet-Lite0 has learned the thousand things of ImageNet in single pictures: a
generic stand-in, installed as a package, for where no X-CLIP weights can be had. What runs them
is in `video_xclip` and `video_efficientnet`; they and PyTorch are imported when an encoder is
loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.speech.weights import WeightsError

if TYPE_CHECKING:
    from classifier.media import Frame

Picture = NDArray[np.uint8]

XCLIP = "microsoft/xclip-base-patch32"
EFFICIENTNET = "efficientnet-lite0"
# As many as X-CLIP was trained on.
FRAMES = 8


class VideoError(WeightsError):
    """A video encoder cannot be loaded: weights missing, wrong, or not reachable."""


class VideoEncoder(Protocol):
    """Turns the frames of a spot into a feature vector."""

    @property
    def name(self) -> str:
        """Which weights: vectors of encoders with different names have nothing in common."""
        ...

    @property
    def dimension(self) -> int: ...

    def encode(self, frames: Sequence[Picture]) -> NDArray[np.float32]:
        """The spot as float32 (dimension,) of length 1.

        `frames`: RGB pictures, uint8 (height, width, 3), in time order, evenly spread over the
        spot. Raises ValueError when there is none or one is of another shape or type.
        """
        ...


def load_video_encoder(
    model: str = XCLIP, *, weights_folder: Path, device: str = "auto", threads: int = 1
) -> VideoEncoder:
    """Load an encoder and its weights.

    `model`: "efficientnet-lite0", or an X-CLIP: its name on the hub, or a local folder.
    `weights_folder`: where downloads are kept. `device`: "auto" (the GPU if there is one), "cpu"
    or "cuda". `threads`: of the CPU, at least 1; they hold for the whole process.

    Raises VideoError for an unreachable hub (after half a minute of attempts, unless the weights
    were downloaded before), missing or damaged weights, or a model that is no X-CLIP.
    """
    if model == EFFICIENTNET:
        from classifier.pictures import efficientnet

        return efficientnet.load(device, threads)
    from classifier.pictures import xclip

    return xclip.load(model, weights_folder, device, threads)


def clips(count: int, size: int) -> NDArray[np.int64]:
    """Which frames each clip holds, (clips, size), when a spot has `count` and a clip `size`.

    A longer spot is cut into equal consecutive parts, one clip each, so that every frame is seen;
    within a part frames are spread evenly, and repeated when it has fewer than `size`.
    """
    parts = np.array_split(np.arange(count), -(-count // size))
    return np.stack(
        [part[np.linspace(0, len(part) - 1, size).round().astype(np.int64)] for part in parts]
    )


def evenly(frames: Sequence[Frame], count: int = FRAMES) -> list[Picture]:
    """The pictures of at most ``count`` frames, spread evenly over those that are there."""
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return [frames[place].image for place in places]


def check(frames: Sequence[Picture]) -> None:
    """Raise ValueError unless these are frames as `VideoEncoder.encode` takes them."""
    if not frames:
        raise ValueError("a spot without pictures cannot be encoded")
    for frame in frames:
        # Floats in 0-1 would be scaled down a second time, and nothing would tell.
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise ValueError(
                f"expected an RGB picture, uint8 (height, width, 3), got "
                f"{frame.dtype} {frame.shape}"
            )


def mean_direction(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the unit vectors along the rows of (n, dimension), again of length 1."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    mean = unit.mean(axis=0)
    result: NDArray[np.float32] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(
        np.float32
    )
    return result
