"""What the tests of this room share."""

from tests.creatives.analysing import analyst, folders, recogniser

__all__ = ["analyst", "folders", "recogniser"]
