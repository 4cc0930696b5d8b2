"""A line of text on a moving picture becomes black letters on white."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.screen.detector import Box, Corners, Picture

Strip = NDArray[np.uint8]

# Height of a strip before its margin: Tesseract's networks were trained on letters about as tall.
HEIGHT = 56
_MOST_WIDTH = 50 * HEIGHT
# Wider than any stroke and narrower than what changes behind the letters.
_STROKE = np.ones((45, 45), np.uint8)
_FAINTEST = 20.0
_MARGIN = 14


def cut_strip(image: Picture, box: Box) -> Strip | None:
    """The line as a grey strip (84, width): dark letters on white; ``None`` for upright ones.

    Letters are told from what is behind them by the black top-hat (closing minus picture) of
    that channel and polarity whose ink lies most between the edges of the line.
    """
    strip = _straight(image, box)
    if strip is None:
        return None
    ink = max(_inks(strip), key=_centred)
    full = max(float(np.percentile(ink, 97)), _FAINTEST)
    letters = 255 - np.clip(ink.astype(np.float32) * (255 / full), 0, 255).astype(np.uint8)
    margin = (_MARGIN,) * 4
    framed = cv2.copyMakeBorder(letters, *margin, cv2.BORDER_CONSTANT, value=(255,))
    return np.asarray(framed, np.uint8)


def _straight(image: Picture, box: Box) -> Picture | None:
    upper_left, upper_right, lower_right, lower_left = box.corners
    width = max(_distance(upper_left, upper_right), _distance(lower_left, lower_right))
    height = max(_distance(upper_left, lower_left), _distance(upper_right, lower_right))
    if height > 1.5 * width or height < 1:
        return None
    across = min(max(round(width * HEIGHT / height), HEIGHT // 2), _MOST_WIDTH)
    target = np.array([[0, 0], [across, 0], [across, HEIGHT], [0, HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(box.corners, target)
    straight = cv2.warpPerspective(
        image, matrix, (across, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(straight, np.uint8)


def _distance(one: Corners, other: Corners) -> float:
    return float(np.hypot(*(one - other)))


def _inks(strip: Picture) -> list[Strip]:
    planes = [*cv2.split(strip), cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)]
    return [
        np.asarray(cv2.morphologyEx(plane, operation, _STROKE), np.uint8)
        for plane in planes
        for operation in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)
    ]


def _centred(ink: Strip) -> float:
    """Of the wrong polarity the gaps between letters are the ink: they reach the edges."""
    fifth, edge = HEIGHT // 5, 4
    outside = (float(ink[:edge].mean()) + float(ink[-edge:].mean())) / 2
    return float(ink[fifth:-fifth].mean()) - outside
