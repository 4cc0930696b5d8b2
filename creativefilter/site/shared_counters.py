"""Request counters shared by all processes (Redis; without it there is one process only).

An error of the counters must never fail a request: while they do not answer, nothing is counted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import caches
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Seconds after a failure in which this process does not contact the counters.
REST_SECONDS = 10.0
Answer = TypeVar("Answer")
_asked_again_at = 0.0  # ``time.monotonic`` from which the counters are contacted again


def ask(question: Callable[[Any], Answer], otherwise: Answer) -> Answer:
    """Call ``question`` with the cache of counters.

    Args:
        question: Reads or writes counters.
        otherwise: The result if the counters fail, and for ``REST_SECONDS`` after a failure, in
            which ``question`` is not called.

    Returns:
        The result of ``question``, or ``otherwise``.
    """
    global _asked_again_at
    if time.monotonic() < _asked_again_at:
        return otherwise
    try:
        return question(caches["rates"])
    except (RedisError, ValueError) as error:
        # ValueError: ``incr`` or ``decr`` found no counter, for example because it just expired.
        _asked_again_at = time.monotonic() + REST_SECONDS
        logger.warning("requests are not counted for now: %s", error)
        return otherwise


def increment(counters: Any, key: str, seconds: int) -> int:
    """Add 1 to a counter atomically and return it; call this within ``ask``.

    Args:
        counters: The cache, as ``ask`` passes it.
        key: Name of the counter.
        seconds: Lifetime of a counter, from its first increment.

    Raises:
        ValueError: The counter expired before it was incremented.
        RedisError: Redis does not answer.
    """
    counters.add(key, 0, timeout=seconds)
    return int(counters.incr(key))
