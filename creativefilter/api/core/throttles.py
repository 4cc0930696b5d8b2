"""How many requests one user may send: counted where all processes see it.

A window of the clock (a minute of 600/min) has one counter per user, raised atomically; so at a
change of windows up to twice the rate gets through. Where the counters do not answer (Redis is
down) everybody gets through, too: the limit protects the service and must never stop it.
"""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import caches
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from creativefilter.site.rate import Rate

if TYPE_CHECKING:
    # REST framework's views import the throttles of the settings.
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

# After a failure nobody waits for the counters again for so long.
REST_SECONDS = 10.0


class PerUser(BaseThrottle):
    """``API_RATE`` for each user, ``API_ANONYMOUS_RATE`` for each address without a login."""

    _asked_again_at = 0.0  # of this process, by time.monotonic()
    _wait: float = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        user = request.user.pk if request.user else None
        rate: Rate | None = settings.API_ANONYMOUS_RATE if user is None else settings.API_RATE
        if rate is None:
            return True
        who = f"address-{self.get_ident(request)}" if user is None else f"user-{user}"
        now = time.time()
        window = int(now // rate.seconds)
        self._wait = (window + 1) * rate.seconds - now
        return self._count(f"{who}-{rate.seconds}-{window}", rate.seconds) <= rate.requests

    def wait(self) -> float:
        """Seconds until the next window, at least one."""
        return max(1.0, math.ceil(self._wait))

    def _count(self, key: str, seconds: int) -> int:
        """This request's number within its window; 0 where nobody counts."""
        if time.monotonic() < PerUser._asked_again_at:
            return 0
        counters = caches["rates"]
        try:
            counters.add(key, 0, timeout=2 * seconds)
            return counters.incr(key)
        except (RedisError, ValueError) as error:
            # ValueError: the counter went away between the two lines.
            PerUser._asked_again_at = time.monotonic() + REST_SECONDS
            logger.warning("requests are not counted for now: %s", error)
            return 0
