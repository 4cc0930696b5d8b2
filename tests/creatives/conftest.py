"""Fixtures of the tests of creatives."""

from tests.creatives.analysing import analyst, folders, recogniser

__all__ = ["analyst", "folders", "recogniser"]
