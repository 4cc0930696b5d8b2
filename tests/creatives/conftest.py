"""What the tests of this room share."""

from tests.creatives.analysing import folders, recogniser

__all__ = ["folders", "recogniser"]
