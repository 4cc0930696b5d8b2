"""What is read of a screen, and who reads it."""

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
