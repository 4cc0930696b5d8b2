"""Leases of claims: the process that runs a stage renews its lease until the stage ends.

An expired lease is released in two steps: one sweep sets ``lease_missed_at``, a later one takes the
claim back. While the database is unreachable no process can renew its lease; the time between the
sweeps lets living processes renew afterwards, so that their work is not lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from creativefilter.jobs.models import Job
from creativefilter.site.database import UNREACHABLE

logger = logging.getLogger(__name__)

# Renewals per lease, and seconds until the next try after a failed renewal.
RENEWALS = 4
RETRY_SECONDS = 1.0


@contextmanager
def renewed(claim: QuerySet[Job]) -> Iterator[None]:
    """Renew the lease of a claim until the block ends, from a thread with its own connection.

    Args:
        claim: Query set that holds the job's row as long as the claim holds.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(claim, ended), daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        # No join: the thread may hang in a query to a database that does not answer.
        ended.set()


def _renew(claim: QuerySet[Job], ended: threading.Event) -> None:
    pause = settings.JOB_LEASE.total_seconds() / RENEWALS
    wait = pause
    while not ended.wait(wait):
        try:
            until = timezone.now() + settings.JOB_LEASE
            held = claim.all().update(lease_until=until, lease_missed_at=None)
        except UNREACHABLE as error:
            logger.warning("a lease could not be renewed: %s", error)
            held, wait = 1, RETRY_SECONDS
        else:
            wait = pause
        # Closed between renewals, so that a process keeps one open connection, not two.
        connection.close()
        if not held:
            return


def expired_jobs() -> list[Job]:
    """Return running jobs whose lease was not renewed after an earlier call found it expired.

    The earlier call must be more than half a lease ago.

    Sets ``lease_missed_at`` on jobs whose lease expired since the previous call. A lease that ends
    more than two leases from now was written by a host with a wrong clock and counts as expired.
    """
    now = timezone.now()
    running = Job.objects.filter(state=Job.State.RUNNING)
    long_ago = now - settings.JOB_LEASE / RENEWALS * 2
    jobs = list(running.filter(lease_missed_at__lt=long_ago))
    expired = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * settings.JOB_LEASE)
    running.filter(expired, lease_missed_at=None).update(lease_missed_at=now)
    return jobs
