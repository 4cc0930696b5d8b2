"""Conversion of a text line on a moving picture to dark letters on white."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.screen.detector import Box, Corners, Picture

Strip = NDArray[np.uint8]

# Height of a strip without its margin: Tesseract's networks were trained on lines of about this
# height.
HEIGHT = 56
_MAX_WIDTH = 50 * HEIGHT
# Wider than any stroke of a letter and narrower than structures of the background.
_STROKE = np.ones((45, 45), np.uint8)
_MIN_CONTRAST = 20.0
_MARGIN = 14


def cut_strip(image: Picture, box: Box) -> Strip | None:
    """Cut the line out as a grey strip, uint8 (84, width); None if it is vertical or has no height.

    Letters are separated from the background by a top-hat transform (black top-hat: closing minus
    picture; white top-hat: picture minus opening). It is computed for each colour channel and for
    grey; the one whose response is strongest between the edges of the line is used.
    """
    strip = _straight(image, box)
    if strip is None:
        return None
    ink = max(_inks(strip), key=_centred)
    contrast = max(float(np.percentile(ink, 97)), _MIN_CONTRAST)
    letters = 255 - np.clip(ink.astype(np.float32) * (255 / contrast), 0, 255).astype(np.uint8)
    margin = (_MARGIN,) * 4
    framed = cv2.copyMakeBorder(letters, *margin, cv2.BORDER_CONSTANT, value=(255,))
    return np.asarray(framed, np.uint8)


def _straight(image: Picture, box: Box) -> Picture | None:
    upper_left, upper_right, lower_right, lower_left = box.corners
    width = max(_distance(upper_left, upper_right), _distance(lower_left, lower_right))
    height = max(_distance(upper_left, lower_left), _distance(upper_right, lower_right))
    if height > 1.5 * width or height < 1:
        return None
    strip_width = min(max(round(width * HEIGHT / height), HEIGHT // 2), _MAX_WIDTH)
    target = np.array([[0, 0], [strip_width, 0], [strip_width, HEIGHT], [0, HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(box.corners, target)
    straight = cv2.warpPerspective(
        image, matrix, (strip_width, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
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
    """Return how much stronger the response is in the middle of the line than at its edges.

    With the wrong polarity the gaps between letters respond: they reach the edges.
    """
    fifth, edge = HEIGHT // 5, 4
    outside = (float(ink[:edge].mean()) + float(ink[-edge:].mean())) / 2
    return float(ink[fifth:-fifth].mean()) - outside
