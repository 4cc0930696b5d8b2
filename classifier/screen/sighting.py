"""Selection of the lines to read: only parts of the picture that changed are searched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.media import Frame
from classifier.screen.detector import Box, Picture, TextDetector
from classifier.screen.strips import Strip, cut_strip

_MAX_PER_FRAME = 30
_MAX_PER_CREATIVE = 150
# A quarter of the size averages compression noise away and keeps the letters.
_COARSE = 4
_CHANGED = 24
# Rows around the changed part: the detector needs to see where a line ends.
_MARGIN = 24

Rows = tuple[int, int]


@dataclass(slots=True, eq=False)
class Sighting:
    """A line that appeared on screen at ``seconds`` and was last visible at ``last_seen``."""

    box: Box
    strip: Strip
    seconds: float
    last_seen: float


class Watcher:
    """Goes through the frames of one creative and collects the lines that are new on each.

    A picture that does not change is searched once. Where only a band of it changes (a growing bar,
    a price that is replaced), only that band is searched again.
    """

    def __init__(self, detector: TextDetector) -> None:
        self._detector = detector
        self._last_image: Picture | None = None
        self._visible: list[Sighting] = []
        self._sightings: list[Sighting] = []

    def watch(self, frames: Iterable[Frame]) -> list[Sighting]:
        """Return the lines in the order of the frames, then in reading order, at most 150."""
        for frame in frames:
            rows = self._update_changed(frame.image)
            if rows is not None:
                self._detect(frame, rows)
            for sighting in self._visible:
                sighting.last_seen = frame.seconds
        return self._sightings

    def _update_changed(self, image: Picture) -> Rows | None:
        height = image.shape[0]
        if self._last_image is None or self._last_image.shape != image.shape:
            self._last_image, self._visible = image.copy(), []
            return 0, height
        rows = _changed_rows(self._last_image, image)
        if rows is None:
            return None
        # A line that is partly in the band is searched as a whole.
        while True:
            touched = [s for s in self._visible if _overlap(s.box, rows)]
            extended = (
                max(0, min([rows[0], *(int(s.box.top) for s in touched)])),
                min(height, max([rows[1], *(int(s.box.bottom) + 1 for s in touched)])),
            )
            if extended == rows:
                # Keep the older picture outside the band; otherwise slow fades would never add up.
                self._last_image[slice(*rows)] = image[slice(*rows)]
                return rows
            rows = extended

    def _detect(self, frame: Frame, rows: Rows) -> None:
        image, (first, last) = frame.image, rows
        self._visible = [s for s in self._visible if not _overlap(s.box, rows)]
        top, bottom = max(0, first - _MARGIN), min(len(image), last + _MARGIN)
        found = [box.lowered(top) for box in self._detector.find(image[top:bottom])]
        # Lines in the margin around the band did not change: they are known already, or cut off.
        changed = [box for box in found if first <= box.middle < last]
        tallest = sorted(changed, key=lambda box: -box.height)[:_MAX_PER_FRAME]
        for box in reading_order(tallest):
            strip = cut_strip(image, box) if len(self._sightings) < _MAX_PER_CREATIVE else None
            if strip is not None:
                sighting = Sighting(box, strip, frame.seconds, frame.seconds)
                self._visible.append(sighting)
                self._sightings.append(sighting)


def reading_order(boxes: Sequence[Box]) -> list[Box]:
    """Sort boxes from top to bottom, and those on one line from left to right."""
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


def _changed_rows(before: Picture, after: Picture) -> Rows | None:
    """Return the band with all changes (first row, row after the last), or None without changes."""
    difference = cv2.absdiff(_coarse(before), _coarse(after)).max(axis=(1, 2))
    rows = np.flatnonzero(difference > _CHANGED)
    if not len(rows):
        return None
    return int(rows[0]) * _COARSE, min(len(after), (int(rows[-1]) + 1) * _COARSE)


def _coarse(image: Picture) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    size = (max(1, -(-width // _COARSE)), max(1, -(-height // _COARSE)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
