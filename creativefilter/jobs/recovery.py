"""Recover jobs whose worker or whose message was lost.

A worker that dies leaves claims. They are released when its exit is seen, when a worker of the same
name starts, or after their leases have expired. A broker that restarts may lose messages; after the
jobs are marked as unpublished, the next sweeps send them again.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from creativefilter.jobs import leases, lifecycle
from creativefilter.jobs.models import Job
from creativefilter.site.database import persistently

# For how many seconds the release of a lost claim is retried while the database is unreachable. The
# worker's main process does it, and can't supervise the pool meanwhile.
LOST_SECONDS = 20.0
# Most jobs that one sweep returns. In a long queue, most jobs wait longer than
# ``JOB_REPUBLISH_AFTER`` with no message lost; without this limit, each sweep would send second
# messages for all of them.
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
        True if the job is queued again; False if it failed after its last attempt, or if the worker
        no longer had the claim.

    Raises:
        OperationalError, InterfaceError: The database was unreachable for ``LOST_SECONDS``.
    """
    held = Job.objects.filter(pk=job_id, state=Job.State.RUNNING, stage=stage, worker=worker)

    def give_back() -> bool:
        job = held.first()
        return job is not None and lifecycle.release(job, code, detail)

    return persistently(give_back, LOST_SECONDS)


def release_claims_of(worker: str) -> list[Job]:
    """Release all claims under a worker's name; to be called when that worker starts or exits.

    Returns:
        The jobs that are queued again. Others fail, because this was their last attempt.
    """
    held = list(Job.objects.filter(state=Job.State.RUNNING, worker=worker))
    return [job for job in held if lifecycle.release(job, "worker_lost", "the worker ended")]


def sweep() -> list[Job]:
    """Release expired claims; return the queued jobs that need a message, oldest first.

    A job needs one if it is unpublished, or if it was published more than ``JOB_REPUBLISH_AFTER``
    ago or, by a wrong clock, in the future. At most ``REPUBLISH_AT_ONCE`` jobs are returned.
    """
    for job in leases.expired_jobs():
        lifecycle.release(job, "worker_lost", "the lease expired")
    now = timezone.now()
    stale = Q(published_at__lt=now - settings.JOB_REPUBLISH_AFTER)
    # The clock has been set back since. Up to a lease ahead, another host's clock may be fast.
    ahead = Q(published_at__gt=now + settings.JOB_LEASE)
    return list(
        Job.objects.filter(state=Job.State.QUEUED)
        .filter(Q(published_at__isnull=True) | stale | ahead)
        .order_by("created_at")[:REPUBLISH_AT_ONCE]
    )


def mark_all_unpublished() -> None:
    """Mark all queued jobs as unpublished, so that the next sweeps send their messages again.

    To be called when the broker may have lost messages. A message that arrives twice is harmless:
    the second one finds no queued job to claim.
    """
    Job.objects.filter(state=Job.State.QUEUED).update(published_at=None)


def mark_published(job: Job) -> None:
    """Set ``published_at`` on ``job`` and, if it is still queued at this stage, on its row.

    Sweeps then leave the job out for ``JOB_REPUBLISH_AFTER``.
    """
    job.published_at = timezone.now()
    Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, stage=job.stage).update(
        published_at=job.published_at
    )
