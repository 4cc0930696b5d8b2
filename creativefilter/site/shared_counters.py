"""Counters that all processes share (Redis; without it there is one process only).

They protect the service and must never stop it: where they do not answer nobody is counted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import caches
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# After a failure nobody waits for the counters again for so long.
REST_SECONDS = 10.0
Answer = TypeVar("Answer")
_asked_again_at = 0.0  # of this process, by time.monotonic()


def ask(question: Callable[[Any], Answer], otherwise: Answer) -> Answer:
    """Call ``question`` with the cache of counters; return ``otherwise`` if that is away."""
    global _asked_again_at
    if time.monotonic() < _asked_again_at:
        return otherwise
    try:
        return question(caches["rates"])
    except (RedisError, ValueError) as error:
        # ValueError: a counter went away between two questions.
        _asked_again_at = time.monotonic() + REST_SECONDS
        logger.warning("requests are not counted for now: %s", error)
        return otherwise


def increment(counters: Any, key: str, seconds: int) -> int:
    """Raise a counter atomically, from 0 where there is none; it lives for so long."""
    counters.add(key, 0, timeout=seconds)
    return int(counters.incr(key))
