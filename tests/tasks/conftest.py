"""Fixtures of the tests of ``tasks``."""

from tests.creatives.analysing import folders, recogniser
from tests.tasks.queueing import broker_away, waiting

__all__ = ["broker_away", "folders", "recogniser", "waiting"]
