"""``/health/live`` and ``/health/ready``, for load balancers, containers and monitoring.

The middleware answers these paths before all other middleware: for any Host header and without a
session. ``/health/live`` does not use the database.
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
# A probe that takes longer counts as failed.
PROBE_SECONDS = 3.0
# Seconds for which a result is reused, however many requests come in.
CACHE_SECONDS = 2.0
RETRY_AFTER_SECONDS = 10


def _closing(ask: Callable[[], Any]) -> Callable[[], Any]:
    """Wrap a probe so that it closes the database connection of its thread afterwards."""

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
    """Result of the probes, cached for ``CACHE_SECONDS``.

    Probes run in a thread pool. A probe that still runs is not started again, so a service that
    hangs blocks one thread of the pool and, after the first result, no more than one web thread for
    ``PROBE_SECONDS``.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(PROBES) + 1, thread_name_prefix="health")
        self._running: dict[str, Future[Any]] = {}
        self._probing = threading.Lock()
        self._result: dict[str, Any] = {}
        self._result_at = float("-inf")

    def find(self) -> dict[str, Any]:
        """Return the body of ``/health/ready``.

        Returns:
            ``status`` and ``failing``; also ``free_disk_bytes`` and ``oldest_queued_seconds``
            where their probes succeeded. The previous result while another thread runs the probes;
            without a previous one, the result of that thread.
        """
        if self._is_fresh() or not self._probing.acquire(blocking=not self._result):
            return self._result
        try:
            if not self._is_fresh():  # another thread may have had the lock
                self._result = self._probe()
                self._result_at = time.monotonic()
        finally:
            self._probing.release()
        return self._result

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._result_at < CACHE_SECONDS

    def _probe(self) -> dict[str, Any]:
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
        """Return whether a probe timed out or raised; the reason is logged, not published."""
        probe = self._running[name]
        if not probe.done():
            logger.warning("probe %s: no answer within %s s", name, PROBE_SECONDS)
            return True
        if error := probe.exception():
            logger.warning("probe %s: %s", name, error)
        return error is not None


class AnswerHealth:
    """Middleware that answers the health paths; must be the first one."""

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
    # CommonMiddleware does not see this answer; without a length the server closes the connection.
    response["Content-Length"] = str(len(response.content))
    return response
