"""Where the lines of text are: PP-OCRv6's detector, as the rapidocr wheel ships it.

Only the wheel's ONNX file is used. It is the small DB detector ("Real-time Scene Text Detection
with Differentiable Binarization", Liao et al. 2020): a map of how likely each pixel is to lie in
the core of a line, from which boxes are cut and grown again. It knows no language.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from classifier.errors import ScreenCode, ScreenUnavailable

PACKAGE = "rapidocr==3.10.0"
_MODEL = "models/PP-OCRv6_det_small.onnx"
# As the wheel itself states it in default_models.yaml.
_SHA256 = "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"

# At 640 one word in 300 more was read on the cards of the benchmark, for half as much work again.
_LONG_SIDE = 512
_STRIDE = 32
# The wheel's own settings for this model (config.yaml), but for the growth: 1.6 there, which cuts
# into tall letters and accents.
_CORE = 0.3
_LEAST_SCORE = 0.5
_GROWTH = 1.8
_LEAST_SIDE = 3.0

Picture = NDArray[np.uint8]
Corners = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Box:
    """A line: corners (4, 2) in pixels, clockwise from the upper left one, and a score, 0 to 1."""

    corners: Corners
    score: float

    @cached_property
    def top(self) -> float:
        return float(self.corners[:, 1].min())

    @cached_property
    def bottom(self) -> float:
        return float(self.corners[:, 1].max())

    @cached_property
    def left(self) -> float:
        return float(self.corners[:, 0].min())

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    def lowered(self, rows: int) -> Box:
        """The same box in a picture that begins ``rows`` higher."""
        return Box(self.corners + np.array([0, rows], np.float32), self.score)


class TextDetector:
    """Finds lines of text of any script. Raises ``ScreenUnavailable`` if its model is not there."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            _model(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def find(self, image: Picture) -> list[Box]:
        """The lines in an RGB picture (height, width, 3), in no particular order."""
        height, width = image.shape[:2]
        scale = min(1.0, _LONG_SIDE / max(height, width))
        size = (_whole(width * scale), _whole(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        # Trained on BGR within -1 to 1.
        values = small[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1.0
        likely = self._session.run(None, {self._input: values})[0][0, 0]
        back = np.array([width / size[0], height / size[1]], np.float32)
        return [Box(box.corners * back, box.score) for box in _boxes(likely)]


def _whole(pixels: float) -> int:
    return max(1, round(pixels / _STRIDE)) * _STRIDE


def _boxes(likely: NDArray[np.float32]) -> list[Box]:
    core = cv2.dilate((likely > _CORE).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(core, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        middle, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < _LEAST_SIDE:
            continue
        score = _score(likely, _corners((middle, (width, height), angle)))
        if score >= _LEAST_SCORE:
            # The paper's offset area * ratio / perimeter, which for a rectangle needs no clipper.
            grown = width * height * _GROWTH / (width + height)
            whole = (middle, (width + grown, height + grown), angle)
            found.append(Box(_corners(whole), score))
    return found


def _score(likely: NDArray[np.float32], corners: Corners) -> float:
    """The mean of the map inside the corners."""
    left, top, width, height = cv2.boundingRect(corners)
    left, top = max(left, 0), max(top, 0)
    part = likely[top : top + height, left : left + width]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(inside, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(part, inside)[0])


def _corners(rectangle: tuple[Sequence[float], Sequence[float], float]) -> Corners:
    corners = np.asarray(cv2.boxPoints(rectangle), np.float32)
    total, difference = corners.sum(axis=1), corners[:, 1] - corners[:, 0]
    order = [total.argmin(), difference.argmin(), total.argmax(), difference.argmax()]
    return corners[order]


def _model() -> bytes:
    spec = find_spec("rapidocr")  # without importing it: its Python is not needed
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, _MODEL)
        if path.is_file():
            model = path.read_bytes()
            if hashlib.sha256(model).hexdigest() == _SHA256:
                return model
    raise ScreenUnavailable(ScreenCode.NO_DETECTOR, {"package": PACKAGE})
