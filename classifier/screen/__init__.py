"""The words on the pictures of a creative: prices, conditions, brands, legal lines.

``load_screen_reader`` is the entry point. Importing this package loads neither OpenCV nor
onnxruntime.
"""

from classifier.screen.types import ScreenLine, ScreenReader, ScreenText

__all__ = ["ScreenLine", "ScreenReader", "ScreenText", "load_screen_reader"]


def load_screen_reader() -> ScreenReader:
    """Return the reader for text on screen; one reader can be used for many creatives.

    Raises:
        ScreenUnavailable: Tesseract, its Russian data or the text detector is missing.
    """
    from classifier.screen.reader import HybridReader

    return HybridReader()
