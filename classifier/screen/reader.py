"""The reader that was measured best on Russian cards: PP-OCR finds the lines, Tesseract reads."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from classifier.media import Frame
from classifier.screen.cleaning import clean_line, has_domain, mean_confidence
from classifier.screen.detector import PACKAGE, TextDetector
from classifier.screen.merging import merge_lines
from classifier.screen.sighting import Watcher
from classifier.screen.strips import Strip
from classifier.screen.tesseract import LATIN, RUSSIAN, Tesseract, Word
from classifier.screen.types import ScreenLine, ScreenText

# Latin letters and "₽" read as Russian words are never sure of themselves.
_DOUBTFUL = 0.85

Words = tuple[Word, ...]


class HybridReader:
    """See ``ScreenReader``; use it from one thread at a time.

    Raises ``ScreenUnavailable`` where the engine, its Russian data or the detector are missing.
    """

    def __init__(self) -> None:
        self._tesseract = Tesseract()
        self._detector = TextDetector()
        # The pictures are small: threads would cost more than they bring, and forks dislike them.
        cv2.setNumThreads(1)

    @property
    def engine(self) -> str:
        return f"{PACKAGE}, {self._tesseract.version}"

    def read(self, frames: Sequence[Frame]) -> ScreenText:
        sightings = Watcher(self._detector).watch(frames)
        readings = []
        for seen, words in zip(sightings, self._words([s.strip for s in sightings]), strict=True):
            cleaned = clean_line(words)
            if cleaned:
                readings.append(ScreenLine(cleaned[0], seen.seconds, seen.last_seen, cleaned[1]))
        return ScreenText(merge_lines(readings))

    def _words(self, strips: Sequence[Strip]) -> list[Words]:
        """Russian first; what was read with doubts once more with both alphabets."""
        words = self._tesseract.read(strips, RUSSIAN)
        doubtful = [n for n, line in enumerate(words) if _is_doubtful(line)]
        if LATIN in self._tesseract.languages:
            again = self._tesseract.read([strips[n] for n in doubtful], RUSSIAN, LATIN)
            for number, line in zip(doubtful, again, strict=True):
                words[number] = max(words[number], line, key=_worth)
        return words


def _worth(words: Words) -> tuple[bool, float]:
    return has_domain(words), mean_confidence(words)


def _is_doubtful(words: Words) -> bool:
    return any(word.confidence < _DOUBTFUL for word in words)
