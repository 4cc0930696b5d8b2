"""Recover jobs whose worker or whose message was lost.

A worker that dies leaves a claim, which is released when the worker's exit is seen or the claim's
lease has expired. A broker that restarts may lose messages, which the sweep sends again.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from creativefilter.jobs import leases, lifecycle
from creativefilter.jobs.models import Job
from creativefilter.site.database import persistently

# Seconds that a worker's main process retries to release a claim. Meanwhile it can't supervise the
# pool.
LOST_SECONDS = 20.0
# Most rows that one sweep publishes again: a long queue must not double with every sweep.
REPUBLISH_AT_ONCE = 1000


def release_lost_claim(job_id: str, stage: str, worker: str, code: str, detail: str) -> bool:
    """Release a claim whose process was killed.

    Args:
        job_id: The job.
        stage: The stage that the process ran.
        worker: The worker that claimed the job.
        code: The error code if the job fails.
        detail: Technical reason.

    Returns:
        Whether the job is queued again; False also if the claim no longer holds.

    Raises:
        OperationalError, InterfaceError: The database is unreachable for ``LOST_SECONDS``.
    """
    held = Job.objects.filter(pk=job_id, state=Job.State.RUNNING, stage=stage, worker=worker)

    def give_back() -> bool:
        job = held.first()
        return job is not None and lifecycle.release(job, code, detail)

    return persistently(give_back, LOST_SECONDS)


def release_claims_of(worker: str) -> list[Job]:
    """Release all claims under a worker's name; to be called when that worker starts or exits.

    Returns:
        The jobs that are queued again.
    """
    held = list(Job.objects.filter(state=Job.State.RUNNING, worker=worker))
    return [job for job in held if lifecycle.release(job, "worker_lost", "worker restarted")]


def sweep() -> list[Job]:
    """Release expired claims; return the queued jobs that need a message, oldest first.

    A job needs one if none was sent, or if the last one was sent more than ``JOB_REPUBLISH_AFTER``
    ago. At most ``REPUBLISH_AT_ONCE`` are returned.
    """
    for job in leases.expired_jobs():
        lifecycle.release(job, "worker_lost", "the lease expired")
    now = timezone.now()
    stale = Q(published_at__lt=now - settings.JOB_REPUBLISH_AFTER)
    # Sent by a clock that has been set back since.
    ahead = Q(published_at__gt=now + settings.JOB_LEASE)
    return list(
        Job.objects.filter(state=Job.State.QUEUED)
        .filter(Q(published_at__isnull=True) | stale | ahead)
        .order_by("created_at")[:REPUBLISH_AT_ONCE]
    )


def mark_all_unpublished() -> None:
    """Mark all queued jobs as not published, so that the next sweep sends their messages again.

    To be called when the broker may have lost messages. A message that arrives twice is harmless:
    the second one finds no queued job to claim.
    """
    Job.objects.filter(state=Job.State.QUEUED).update(published_at=None)


def mark_published(job: Job) -> None:
    """Set ``published_at`` on the row and on ``job``: the broker accepted the stage's message."""
    job.published_at = timezone.now()
    Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, stage=job.stage).update(
        published_at=job.published_at
    )
