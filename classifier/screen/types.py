"""Types of text on screen, and the interface of its readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from classifier.media import Frame


@dataclass(frozen=True, slots=True)
class ScreenLine:
    """One line on screen.

    Attributes:
        text: The cleaned text.
        seconds: When the line appeared.
        last_seen: When the line was last visible, seconds.
        confidence: 0 to 1.
    """

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
        """All lines in that order, joined by newlines."""
        return "\n".join(line.text for line in self.lines)


class ScreenReader(Protocol):
    """An engine that reads text on pictures."""

    @property
    def engine(self) -> str:
        """Names and versions of the engine, which are stored with the text that it read."""
        ...

    def read(self, frames: Sequence[Frame]) -> ScreenText:
        """Return the text on the frames of one creative, given in time order.

        Without frames or text, the ``ScreenText`` is empty.

        Raises:
            ScreenUnavailable: The engine fails or takes too long.
            OSError: Temporary files can't be written: the disk is full, for example.
        """
        ...
