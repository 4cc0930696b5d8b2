"""The words on the pictures of a creative: prices, conditions, brands, legal lines.

``load_screen_reader`` is the way in. Importing this package loads neither OpenCV nor
onnxruntime; a computer without the engine or its Russian data gets a ``ScreenUnavailable``.
"""

from classifier.screen.types import ScreenLine, ScreenReader, ScreenText

__all__ = ["ScreenLine", "ScreenReader", "ScreenText", "load_screen_reader"]


def load_screen_reader() -> ScreenReader:
    """The reader that this computer can offer; safe to keep and to use for many creatives.

    Raises ``ScreenUnavailable`` where Tesseract, its Russian data or the text detector are
    missing.
    """
    from classifier.screen.reader import HybridReader

    return HybridReader()
