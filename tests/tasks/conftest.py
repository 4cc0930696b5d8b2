"""What the tests of this room share."""

from tests.tasks.queueing import broker_away, waiting

__all__ = ["broker_away", "waiting"]
