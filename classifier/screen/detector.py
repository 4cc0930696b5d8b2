"""Detection of text lines: the detector of PP-OCRv6, from the rapidocr wheel.

Only the wheel's ONNX file is used: the small DB detector ("Real-time Scene Text Detection with
Differentiable Binarization", Liao et al. 2020). It gives the probability that a pixel lies in the
core of a line; boxes are cut from that map and enlarged. It does not depend on the language.
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
# The wheel states this digest in default_models.yaml.
_SHA256 = "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"

# Measured on the cards of benchmarks/screen_text.py: with 640 pixels, one word in 300 more is read,
# in one and a half times the time.
_MAX_SIDE = 512
_STRIDE = 32
# The wheel's settings for this model (config.yaml), except for the growth. It is 1.6 there, which
# cuts into tall letters and accents.
_CORE_THRESHOLD = 0.3
_MIN_SCORE = 0.5
_GROWTH = 1.8
_MIN_SIDE = 3.0

Picture = NDArray[np.uint8]
Corners = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Box:
    """A detected line.

    Attributes:
        corners: (4, 2) in pixels, clockwise from the upper left one.
        score: Mean probability inside the core of the line, 0 to 1.
    """

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
        """Return the box for a picture that has ``rows`` more rows at the top."""
        return Box(self.corners + np.array([0, rows], np.float32), self.score)


class TextDetector:
    """Finds lines of text of any script.

    Raises:
        ScreenUnavailable: The model is not installed, or its file is not the expected one.
    """

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            _model(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def find(self, image: Picture) -> list[Box]:
        """Return the lines in an RGB picture, uint8 (height, width, 3), in no particular order."""
        height, width = image.shape[:2]
        scale = min(1.0, _MAX_SIDE / max(height, width))
        size = (_multiple_of_stride(width * scale), _multiple_of_stride(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        # The model was trained on BGR values within -1 to 1.
        values = small[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1.0
        probabilities = self._session.run(None, {self._input: values})[0][0, 0]
        upscale = np.array([width / size[0], height / size[1]], np.float32)
        return [Box(box.corners * upscale, box.score) for box in _boxes(probabilities)]


def _multiple_of_stride(pixels: float) -> int:
    return max(1, round(pixels / _STRIDE)) * _STRIDE


def _boxes(probabilities: NDArray[np.float32]) -> list[Box]:
    core = cv2.dilate((probabilities > _CORE_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(core, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        middle, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < _MIN_SIDE:
            continue
        score = _score(probabilities, _corners((middle, (width, height), angle)))
        if score >= _MIN_SCORE:
            # The paper's offset area * ratio / perimeter; a rectangle needs no polygon clipping for
            # it.
            grown = width * height * _GROWTH / (width + height)
            rectangle = (middle, (width + grown, height + grown), angle)
            found.append(Box(_corners(rectangle), score))
    return found


def _score(probabilities: NDArray[np.float32], corners: Corners) -> float:
    """Return the mean probability inside the corners."""
    left, top, width, height = cv2.boundingRect(corners)
    left, top = max(left, 0), max(top, 0)
    part = probabilities[top : top + height, left : left + width]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(inside, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(part, inside)[0])


def _corners(rectangle: tuple[Sequence[float], Sequence[float], float]) -> Corners:
    corners = np.asarray(cv2.boxPoints(rectangle), np.float32)
    sums, differences = corners.sum(axis=1), corners[:, 1] - corners[:, 0]
    order = [sums.argmin(), differences.argmin(), sums.argmax(), differences.argmax()]
    return corners[order]


def _model() -> bytes:
    spec = find_spec("rapidocr")  # finds the folder without importing the package
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, _MODEL)
        if path.is_file():
            model = path.read_bytes()
            if hashlib.sha256(model).hexdigest() == _SHA256:
                return model
    raise ScreenUnavailable(ScreenCode.NO_DETECTOR, {"package": PACKAGE})
