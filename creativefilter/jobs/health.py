"""``/health/live`` and ``/health/ready``, for load balancers, containers and monitoring.

Answered before anything else looks at the request: under whatever name the host is called, without
a session, and without the database where only the process is asked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from creativefilter.jobs.waiting import oldest_by_queue
from creativefilter.site import probes

logger = logging.getLogger(__name__)

# ``/healthz`` is the former address.
LIVE = ("/health/live", "/healthz")
READY = "/health/ready"
# What has not answered by then is away.
PROBE_SECONDS = 3.0
# However often somebody asks, the probes are made no more often.
KEPT_SECONDS = 2.0
RETRY_AFTER_SECONDS = 10


def _closing(ask: Callable[[], Any]) -> Callable[[], Any]:
    """A probe that leaves its thread without a connection: the next one opens its own."""

    def probe() -> Any:
        try:
            return ask()
        finally:
            connection.close()

    return probe


PROBES: dict[str, Callable[[], Any]] = {
    "database": _closing(probes.database),
    "broker": probes.broker,
    "storage": probes.storage,
    "disk": probes.disk,
}


class Readiness:
    """Whether all that this process needs answers.

    Each probe has a thread of its own, one at a time, so that those that hang hold no web thread
    and never become more.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(PROBES) + 1, thread_name_prefix="health")
        self._running: dict[str, Future[Any]] = {}
        self._asking = threading.Lock()
        self._found: dict[str, Any] = {"status": "unavailable", "failing": list(PROBES)}
        self._found_at = float("-inf")

    def find(self) -> dict[str, Any]:
        """What is wrong, and how long jobs wait; while another thread looks, what was last seen."""
        fresh = time.monotonic() - self._found_at < KEPT_SECONDS
        if fresh or not self._asking.acquire(blocking=False):
            return self._found
        try:
            self._found = self._look()
            self._found_at = time.monotonic()
        finally:
            self._asking.release()
        return self._found

    def _look(self) -> dict[str, Any]:
        for name, probe in {**PROBES, "queues": _closing(oldest_by_queue)}.items():
            if name not in self._running or self._running[name].done():
                self._running[name] = self._threads.submit(probe)
        wait(self._running.values(), timeout=PROBE_SECONDS)
        failing = [name for name in PROBES if self._failed(name)]
        found: dict[str, Any] = {"status": "unavailable" if failing else "ok", "failing": failing}
        if "disk" not in failing:
            found["free_disk_bytes"] = self._running["disk"].result()
        if not self._failed("queues"):
            found["oldest_queued_seconds"] = self._running["queues"].result()
        return found

    def _failed(self, name: str) -> bool:
        """Whether a probe did not answer in time, or failed: why is for the log alone."""
        probe = self._running[name]
        if not probe.done():
            logger.warning("%s does not answer within %s s", name, PROBE_SECONDS)
            return True
        if error := probe.exception():
            logger.warning("%s: %s", name, error)
        return error is not None


class AnswerHealth:
    """Middleware, the first of all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.readiness = Readiness()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in (*LIVE, READY):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if request.path in LIVE:
            return _uncached(JsonResponse({"status": "ok"}))
        found = self.readiness.find()
        if found["status"] == "ok":
            return _uncached(JsonResponse(found))
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return _uncached(JsonResponse(found, status=503, headers=headers))


def _uncached(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    # Without its length the connection would end with the answer.
    response["Content-Length"] = str(len(response.content))
    return response
