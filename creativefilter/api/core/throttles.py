"""How many requests one user may send: counted where all processes see it.

A window of the clock (a minute of 600/min) has one counter per user, raised atomically; so at a
change of windows up to twice the rate gets through. Where the counters do not answer (Redis is
down) everybody gets through, too: the limit protects the service and must never stop it.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from creativefilter.site.client_address import network_of
from creativefilter.site.rate import Rate
from creativefilter.site.shared_counters import ask, increment

if TYPE_CHECKING:
    # REST framework's views import the throttles of the settings.
    from rest_framework.views import APIView


class PerUser(BaseThrottle):
    """``API_RATE`` for each user, ``API_ANONYMOUS_RATE`` for each address without a login."""

    _wait: float = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        user = request.user.pk if request.user else None
        rate: Rate | None = settings.API_ANONYMOUS_RATE if user is None else settings.API_RATE
        if rate is None:
            return True
        who = f"address-{network_of(self.get_ident(request))}" if user is None else f"user-{user}"
        now = time.time()
        window = int(now // rate.seconds)
        self._wait = (window + 1) * rate.seconds - now
        key = f"{who}-{rate.seconds}-{window}"
        return ask(lambda cache: increment(cache, key, 2 * rate.seconds), 0) <= rate.requests

    def wait(self) -> float:
        """Seconds until the next window, at least one."""
        return max(1.0, math.ceil(self._wait))
