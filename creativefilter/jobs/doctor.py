"""System check of jobs: claims that no process renews and no sweep released."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy, gettext_noop

from creativefilter.jobs import lifecycle
from creativefilter.jobs.leases import RENEWALS, RETRY_SECONDS
from creativefilter.jobs.models import Job
from creativefilter.site import doctor
from creativefilter.site.doctor import Check, Finding, Problem

CLAIMS = Problem(
    "stuck_claims",
    gettext_lazy(
        "Jobs claimed by a worker that no longer works on them, and not queued again: %(count)d."
    ),
    gettext_lazy(
        "manage.py doctor --fix queues them again. There is no sweep: is manage.py run, or beat "
        "with a worker for cpu-upkeep, running?"
    ),
    repairable=True,
)


def stuck() -> list[Job]:
    """Return running jobs whose lease expired long ago and is not renewed within one interval.

    The sweep releases such claims within two leases and a few sweeps. If the database was
    unreachable until a moment ago, waiting for one renewal interval gives living processes the
    time to renew their leases.
    """
    before = {job.pk: job for job in _overdue()}
    if not before:
        return []
    time.sleep(settings.JOB_LEASE.total_seconds() / RENEWALS + RETRY_SECONDS)
    return [job for job in _overdue().filter(pk__in=before) if _same_claim(job, before[job.pk])]


def _overdue() -> QuerySet[Job]:
    now = timezone.now()
    patience = 2 * settings.JOB_LEASE + timedelta(seconds=4 * settings.SWEEP_SECONDS)
    expired = Q(lease_until__lt=now - patience)
    no_lease = Q(lease_until=None, stage_started_at__lt=now - patience)
    # A lease longer than the setting comes from a host whose clock is wrong.
    too_long = Q(lease_until__gt=now + 2 * settings.JOB_LEASE, stage_started_at__lt=now - patience)
    running = Job.objects.filter(state=Job.State.RUNNING)
    return running.filter(expired | no_lease | too_long).order_by("created_at")


def _same_claim(one: Job, other: Job) -> bool:
    """Return whether both rows show the same claim with the same lease."""
    claims = ((job.stage, job.worker, job.attempts, job.lease_until) for job in (one, other))
    return len(set(claims)) == 1


def look() -> Iterator[Finding]:
    """Yield one finding that names the stuck jobs, if there are any."""
    if jobs := stuck():
        yield CLAIMS.found(f"{job.kind} {job.pk}" for job in jobs)


def give_back() -> None:
    """Release stuck claims: the job is queued again, or fails if that was its last attempt."""
    for job in stuck():
        lifecycle.release(job, "worker_lost", "given back by manage.py doctor")


doctor.register(Check(gettext_noop("claims of jobs"), (CLAIMS,), look, give_back, quick=True))
