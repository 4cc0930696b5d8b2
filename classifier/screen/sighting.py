"""Which lines of a creative are worth reading: those on parts of the picture that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.media import Frame
from classifier.screen.detector import Box, Picture, TextDetector
from classifier.screen.strips import Strip, cut_strip

_MOST_A_FRAME = 30
_MOST_A_CREATIVE = 150
# A quarter of the size averages the noise of compression away and leaves the letters.
_COARSE = 4
_CHANGED = 24
# Room around what changed, in rows: the detector wants to see where a line ends.
_ROOM = 24

Rows = tuple[int, int]


@dataclass(slots=True, eq=False)
class Sighting:
    """A line that came on screen at ``seconds`` and was still there at ``last_seen``."""

    box: Box
    strip: Strip
    seconds: float
    last_seen: float


class Watcher:
    """Goes through the frames of one creative and keeps what is new on each.

    A picture that stands still is looked at once; where only a band of it changes (a growing
    bar, a price that is replaced), only the band is looked at again.
    """

    def __init__(self, detector: TextDetector) -> None:
        self._detector = detector
        self._seen: Picture | None = None
        self._shown: list[Sighting] = []
        self._all: list[Sighting] = []

    def watch(self, frames: Iterable[Frame]) -> list[Sighting]:
        """The lines of all frames in reading order, at most 150."""
        for frame in frames:
            rows = self._changed(frame.image)
            if rows is not None:
                self._look(frame, rows)
            for sighting in self._shown:
                sighting.last_seen = frame.seconds
        return self._all

    def _changed(self, image: Picture) -> Rows | None:
        height = image.shape[0]
        if self._seen is None or self._seen.shape != image.shape:
            self._seen, self._shown = image.copy(), []
            return 0, height
        rows = _changed_rows(self._seen, image)
        if rows is None:
            return None
        # Lines that are touched belong to the band as a whole.
        while True:
            touched = [s for s in self._shown if _overlap(s.box, rows)]
            wider = (
                max(0, min([rows[0], *(int(s.box.top) for s in touched)])),
                min(height, max([rows[1], *(int(s.box.bottom) + 1 for s in touched)])),
            )
            if wider == rows:
                # Elsewhere the older picture stays, or slow fades would never add up.
                self._seen[slice(*rows)] = image[slice(*rows)]
                return rows
            rows = wider

    def _look(self, frame: Frame, rows: Rows) -> None:
        image, (first, last) = frame.image, rows
        self._shown = [s for s in self._shown if not _overlap(s.box, rows)]
        top, bottom = max(0, first - _ROOM), min(len(image), last + _ROOM)
        found = [box.lowered(top) for box in self._detector.find(image[top:bottom])]
        # What lies in the room around the band did not change: it is known, or it is cut.
        fresh = [box for box in found if first <= box.middle < last]
        tallest = sorted(fresh, key=lambda box: -box.height)[:_MOST_A_FRAME]
        for box in reading_order(tallest):
            strip = cut_strip(image, box) if len(self._all) < _MOST_A_CREATIVE else None
            if strip is not None:
                sighting = Sighting(box, strip, frame.seconds, frame.seconds)
                self._shown.append(sighting)
                self._all.append(sighting)


def reading_order(boxes: Sequence[Box]) -> list[Box]:
    """From top to bottom; what stands beside each other from left to right."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: box.middle):
        beside = rows[-1][-1] if rows else None
        if beside and box.middle - beside.middle < min(box.height, beside.height) / 2:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda box: box.left)]


def _overlap(box: Box, rows: Rows) -> bool:
    return box.top < rows[1] and box.bottom > rows[0]


def _changed_rows(before: Picture, now: Picture) -> Rows | None:
    """The band that holds every change, first row and the one after the last."""
    apart = cv2.absdiff(_coarse(before), _coarse(now)).max(axis=(1, 2))
    rows = np.flatnonzero(apart > _CHANGED)
    if not len(rows):
        return None
    return int(rows[0]) * _COARSE, min(len(now), (int(rows[-1]) + 1) * _COARSE)


def _coarse(image: Picture) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    size = (max(1, -(-width // _COARSE)), max(1, -(-height // _COARSE)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
