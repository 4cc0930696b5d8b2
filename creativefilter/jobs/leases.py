"""Leases on claims: the process that runs a stage renews its own; one that nobody renews runs out.

A lease that ran out is only noted at first. Where the database was away, nobody could renew: those
who live do so at once when it is back, and keep what they have computed.
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

# Renewals within a lease, and seconds after one that failed.
RENEWALS = 4
AGAIN_SECONDS = 1.0


@contextmanager
def renewed(claim: QuerySet[Job]) -> Iterator[None]:
    """Renew the lease of a claim from a thread with its own connection until the block ends.

    Args:
        claim: The row of the job while the claim holds.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(claim, ended), daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        # Not waited for: it may hang in a database that does not answer.
        ended.set()


def _renew(claim: QuerySet[Job], ended: threading.Event) -> None:
    pause = settings.JOB_LEASE.total_seconds() / RENEWALS
    wait = pause
    while not ended.wait(wait):
        try:
            until = timezone.now() + settings.JOB_LEASE
            held = claim.all().update(lease_until=until, lease_missed_at=None)
        except UNREACHABLE as error:
            logger.warning("a lease is not renewed: %s", error)
            held, wait = 1, AGAIN_SECONDS
        else:
            wait = pause
        # Also between two renewals: as many connections stay open as there are processes.
        connection.close()
        if not held:
            return


def run_out() -> list[Job]:
    """The running jobs whose leases ran out, and were not renewed after that had been noted.

    Notes those that ran out since. One that holds for much longer than a lease was given by a
    clock that is wrong, and is no better.
    """
    now = timezone.now()
    running = Job.objects.filter(state=Job.State.RUNNING)
    long_ago = now - settings.JOB_LEASE / RENEWALS * 2
    found = list(running.filter(lease_missed_at__lt=long_ago))
    wrong = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * settings.JOB_LEASE)
    running.filter(wrong, lease_missed_at=None).update(lease_missed_at=now)
    return found
