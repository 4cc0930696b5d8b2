"""Fixtures of the tests of ``creativefilter.site``."""

from tests.creatives.analysing import folders

__all__ = ["folders"]
