"""The reader of text on screen: PP-OCR finds the lines, Tesseract reads them.

This combination was the best one on Russian cards (benchmarks/screen_text.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from classifier.media import Frame
from classifier.screen.cleaning import clean_line
from classifier.screen.detector import PACKAGE, TextDetector
from classifier.screen.merging import merge_lines
from classifier.screen.sighting import Watcher
from classifier.screen.tesseract import Tesseract
from classifier.screen.types import ScreenLine, ScreenText


class HybridReader:
    """A ``ScreenReader`` of two engines; use it from one thread at a time.

    Raises:
        ScreenUnavailable: Tesseract, its Russian data or the text detector is missing.
    """

    def __init__(self) -> None:
        self._tesseract = Tesseract()
        self._detector = TextDetector()
        # The pictures are small: threads would cost more than they gain, and do not survive forks.
        cv2.setNumThreads(1)

    @property
    def engine(self) -> str:
        return f"{PACKAGE}, {self._tesseract.version}"

    def read(self, frames: Sequence[Frame]) -> ScreenText:
        sightings = Watcher(self._detector).watch(frames)
        words_of_lines = self._tesseract.read([sighting.strip for sighting in sightings])
        readings = []
        for sighting, words in zip(sightings, words_of_lines, strict=True):
            cleaned = clean_line(words)
            if cleaned:
                readings.append(
                    ScreenLine(cleaned[0], sighting.seconds, sighting.last_seen, cleaned[1])
                )
        return ScreenText(merge_lines(readings))
