"""Fixtures that count messages in the real broker, and that make it unreachable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from creativefilter.celery import app
from creativefilter.site.lanes import PRIORITY_STEPS, QUEUES
from tasks.publishing import sweep

# Suffixes of a queue's Redis lists, one per priority: https://docs.celeryq.dev, "Redis message
# priorities".
PRIORITIES = tuple(f"\x06\x16{step}" if step else "" for step in PRIORITY_STEPS)


def publish_to(address: str) -> None:
    """Make this process publish to the broker at this address."""
    app.conf.update(broker_url=address)
    app._after_fork()  # drops open connections


@pytest.fixture
def waiting(broker: Any) -> Iterator[Any]:
    """Function ``waiting(queue)`` that counts the messages in a queue of the real broker."""
    client = redis.Redis.from_url(broker.url)
    lists = [queue + priority for queue in QUEUES for priority in PRIORITIES]
    client.delete(*lists)
    sweep()  # stores the run_id of this broker, so that later sweeps don't take it for a new one
    yield lambda queue: sum(client.llen(queue + priority) for priority in PRIORITIES)
    client.delete(*lists)
    client.close()


@pytest.fixture
def broker_away() -> Iterator[Any]:
    """Use an address without a broker; the yielded function switches back to the real one."""
    url = app.conf.broker_url
    publish_to("redis://127.0.0.1:1/0")
    yield lambda: publish_to(url)
    publish_to(url)
