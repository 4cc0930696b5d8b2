"""What the tests of this room share."""

from tests.creatives.analysing import folders

__all__ = ["folders"]
