"""Rate limits per user, counted across all processes.

Each user has one counter per fixed window (such as a minute for 600/min), incremented atomically.
Around a change of windows, up to twice the rate is therefore let through. If the counters are not
available (Redis is down), all requests are let through: the limit must never stop the service.
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
    # An import cycle otherwise: DRF's views import the throttles of the settings.
    from rest_framework.views import APIView


class PerUser(BaseThrottle):
    """Limits users to ``API_RATE``, and networks without a login to ``API_ANONYMOUS_RATE``.

    A network is an IPv4 address or the /64 network of an IPv6 address.
    """

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
        """Return the seconds until the next window, at least 1."""
        return max(1.0, math.ceil(self._wait))
