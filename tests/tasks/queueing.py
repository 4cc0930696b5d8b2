"""The real broker, looked into and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from creativefilter.celery import app
from creativefilter.site.lanes import PRIORITY_STEPS, QUEUES
from tasks.publishing import sweep

# A queue is a list for each priority: https://docs.celeryq.dev, "Redis message priorities".
PRIORITIES = tuple(f"\x06\x16{step}" if step else "" for step in PRIORITY_STEPS)


def publish_to(address: str) -> None:
    """From now on this process publishes to the broker at this address."""
    app.conf.update(broker_url=address)
    app._after_fork()  # forgets open connections, as a new process does


@pytest.fixture
def waiting(broker: Any) -> Iterator[Any]:
    """``waiting(queue)``: how many messages lie in a queue of the real broker."""
    client = redis.Redis.from_url(broker.url)
    every = [queue + priority for queue in QUEUES for priority in PRIORITIES]
    client.delete(*every)
    sweep()  # has met this broker
    yield lambda queue: sum(client.llen(queue + priority) for priority in PRIORITIES)
    client.delete(*every)
    client.close()


@pytest.fixture
def broker_away() -> Iterator[Any]:
    """Nobody answers at the broker's address until the yielded function is called."""
    url = app.conf.broker_url
    publish_to("redis://127.0.0.1:1/0")
    yield lambda: publish_to(url)
    publish_to(url)
