"""What can be wrong with jobs: claims that nobody renews and nobody gives back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy, gettext_noop

from creativefilter.jobs import lifecycle
from creativefilter.jobs.leases import AGAIN_SECONDS, RENEWALS
from creativefilter.jobs.models import Job
from creativefilter.site import doctor
from creativefilter.site.doctor import Check, Finding, Problem

CLAIMS = Problem(
    "stuck_claims",
    gettext_lazy(
        "Jobs that a worker claimed, that nobody works on any more and that nobody has queued "
        "again: %(count)d."
    ),
    gettext_lazy(
        "manage.py doctor --fix queues them again. Nobody sweeps: is manage.py run, or beat with a "
        "worker for cpu-upkeep, running?"
    ),
    mended=True,
)


def stuck() -> list[Job]:
    """Running jobs whose lease ran out long ago, and which are not renewed while one waits.

    The sweep gives such claims back within two leases and a few sweeps. Where the database was
    away until a moment ago, the waiting lets those who live renew their leases.
    """
    before = {job.pk: job for job in _overdue()}
    if not before:
        return []
    time.sleep(settings.JOB_LEASE.total_seconds() / RENEWALS + AGAIN_SECONDS)
    return [job for job in _overdue().filter(pk__in=before) if _same(job, before[job.pk])]


def _overdue() -> QuerySet[Job]:
    now = timezone.now()
    patience = 2 * settings.JOB_LEASE + timedelta(seconds=4 * settings.SWEEP_SECONDS)
    ran_out = Q(lease_until__lt=now - patience)
    # No lease, or one given by a clock that is wrong.
    without = Q(lease_until=None, stage_started_at__lt=now - patience)
    too_long = Q(lease_until__gt=now + 2 * settings.JOB_LEASE, stage_started_at__lt=now - patience)
    running = Job.objects.filter(state=Job.State.RUNNING)
    return running.filter(ran_out | without | too_long).order_by("created_at")


def _same(one: Job, other: Job) -> bool:
    """Whether it is the same claim, and nobody has renewed it."""
    claims = ((job.stage, job.worker, job.attempts, job.lease_until) for job in (one, other))
    return len(set(claims)) == 1


def look() -> Iterator[Finding]:
    if jobs := stuck():
        yield CLAIMS.found(f"{job.kind} {job.pk}" for job in jobs)


def give_back() -> None:
    """Queue what is stuck again; what was lost for the last time fails, with that reason."""
    for job in stuck():
        lifecycle.release(job, "worker_lost", "given back by manage.py doctor")


doctor.register(Check(gettext_noop("claims of jobs"), (CLAIMS,), look, give_back, quick=True))
