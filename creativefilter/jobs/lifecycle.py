"""State changes of jobs; each is a conditional UPDATE.

Every function that queues a job sends ``job_queued`` after the commit; callers don't have to.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from creativefilter.jobs import kinds, leases, quota, timings
from creativefilter.jobs.kinds import Continued, JobError, Kind, NotYet
from creativefilter.jobs.models import Job
from creativefilter.jobs.signals import job_ended, job_queued
from creativefilter.site import disk_full
from creativefilter.site.database import UNREACHABLE, is_lost, persistently, reconnect
from creativefilter.site.unavailable import Unavailable

logger = logging.getLogger(__name__)

# Errors after which a stage gets another attempt: busy database, timeout, service unavailable.
TRANSIENT = (*UNREACHABLE, SoftTimeLimitExceeded, Unavailable)
# How long a worker waits for the database before it returns a message to the broker.
CLAIM_SECONDS = 10.0
# How long a worker retries to write the outcome of a stage.
SAVE_SECONDS = 240.0
# How long a worker's main process retries to release a claim. It also supervises the pool.
LOST_SECONDS = 20.0
# Time after a job's first claim in which a lost database connection is not an attempt.
NO_BLAME_PERIOD = timedelta(hours=1)
# Most rows that one sweep publishes again: a long queue must not double with every sweep.
REPUBLISH_AT_ONCE = 1000


class NotClaimed(Exception):  # noqa: N818 (nothing is wrong with the work)
    """A job could not be claimed because the database is unreachable; not counted as an attempt."""


def create(
    kind: Kind,
    params: dict[str, Any],
    owner: User | None = None,
    urgency: str = Job.Urgency.INTERACTIVE,
) -> Job:
    """Create a queued job at its first stage.

    Args:
        kind: The registered kind.
        params: Plain JSON values for the stages.
        owner: The user whose quota the job counts towards; None for the system's own jobs.
        urgency: The lane.

    Raises:
        QuotaExceeded: The owner has too many open jobs.
    """
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind.name,
            stage=kind.stages[0].name,
            params=params,
            owner=owner,
            urgency=urgency,
            in_quota=quota.take(owner, 1),
        )
        _send_job_queued([job])
    return job


def create_at_last_stage(
    kind: Kind, params: Sequence[dict[str, Any]], owner: User | None
) -> list[Job]:
    """Create queued jobs at their last stage, in the lane "batch".

    Other jobs must have done the earlier stages already.

    Args:
        kind: The registered kind.
        params: Plain JSON values for the stages, one entry per job.
        owner: The user whose quota the jobs count towards; None for the system's own jobs.

    Raises:
        QuotaExceeded: The owner would have too many open jobs; none is created.
    """
    return _create_many(kind, kind.stages[-1].name, params, owner)


def create_many(kind: Kind, params: Sequence[dict[str, Any]], owner: User | None) -> list[Job]:
    """Create queued jobs at their first stage; else as ``create_at_last_stage``."""
    return _create_many(kind, kind.stages[0].name, params, owner)


def _create_many(
    kind: Kind, stage: str, params: Sequence[dict[str, Any]], owner: User | None
) -> list[Job]:
    with transaction.atomic():
        in_quota = quota.take(owner, len(params))
        jobs = Job.objects.bulk_create(
            [
                Job(
                    kind=kind.name,
                    stage=stage,
                    progress=kind.percent(stage),
                    params=each,
                    owner=owner,
                    urgency=Job.Urgency.BATCH,
                    in_quota=in_quota,
                )
                for each in params
            ],
            batch_size=200,
        )
        _send_job_queued(jobs)
    return jobs


def skip_to_last_stage(job: Job) -> None:
    """Move a job to its last stage; to be called by the ``save`` of an earlier stage."""
    kind = kinds.get(job.kind)
    stage = kind.stages[-1].name
    # ``_advance`` moved the row to the next stage in this transaction, before it called ``save``.
    Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(
        stage=stage, progress=kind.percent(stage)
    )


def create_done(
    kind: Kind, params: dict[str, Any], result: dict[str, Any], owner: User | None
) -> Job:
    """Create a job that is already done, for a result that needed no work."""
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind.name,
            stage=kind.stages[-1].name,
            state=Job.State.DONE,
            progress=100,
            params=params,
            result=result,
            owner=owner,
            finished_at=timezone.now(),
        )
        _send_job_ended(job)
    return job


def claim(job_id: str, stage: str, worker: str) -> Job | None:
    """Claim a queued job for a worker.

    Returns:
        The claimed job; None if it is no longer queued at this stage.
    """
    now = timezone.now()
    queued = Job.objects.filter(pk=job_id, state=Job.State.QUEUED, stage=stage)
    claimed = queued.update(
        state=Job.State.RUNNING,
        worker=worker,
        attempts=F("attempts") + 1,
        lease_until=now + settings.JOB_LEASE,
        lease_missed_at=None,
        started_at=Coalesce(F("started_at"), now),
        stage_started_at=now,
    )
    return Job.objects.get(pk=job_id) if claimed else None


def run_stage(job_id: str, stage: str, worker: str) -> Job | None:
    """Claim a job, run one stage and save its outcome.

    Returns:
        The job if it is queued again: for its next stage, for more of this stage (``Continued``) or
        for another attempt. None if it ended, waits for other jobs (``NotYet``), could not be
        claimed or was taken over.

    Raises:
        NotClaimed: The database could not be reached for ``CLAIM_SECONDS``.
    """
    try:
        job = persistently(lambda: claim(job_id, stage, worker), CLAIM_SECONDS)
    except UNREACHABLE as error:
        raise NotClaimed(str(error)) from error
    if job is None:
        return None
    kind = kinds.get(job.kind)
    try:
        with quota.lifted(), leases.renewed(_claimed_row(job)):
            save = kind.stage(stage).work(job)
            return persistently(lambda: _advance(job, kind, save), SAVE_SECONDS)
    except Exception as error:
        return _handle_error(job, error)


def _handle_error(job: Job, error: Exception) -> Job | None:
    """Fail or requeue a job whose stage raised; return the job if it is queued again."""
    detail = traceback.format_exc(limit=-5)
    server_away = isinstance(error, UNREACHABLE) and is_lost() and _is_recent(job)

    def write() -> Job | None:
        if disk_full.is_full(error):
            fail(job, "storage_full", repr(error))
        elif isinstance(error, JobError):
            fail(job, error.code, error.detail)
        elif isinstance(error, NotYet):
            _put_back(job, error.percent)
        elif isinstance(error, Continued):
            return job if _requeue(job, error.percent, error.params) else None
        elif server_away:
            return job if _requeue(job, job.progress, job.params) else None
        elif isinstance(error, TRANSIENT):
            return job if release(job, code_of(error), repr(error)) else None
        else:
            logger.error("job %s, stage %s", job.pk, job.stage, exc_info=error)
            fail(job, "internal", detail)
        return None

    # The stage may have left an open cursor or a broken connection.
    reconnect()
    return persistently(write, SAVE_SECONDS)


def code_of(accident: BaseException) -> str:
    """Return the error code for an exception that interrupted a stage or killed its process."""
    if isinstance(accident, Unavailable):
        return accident.code
    if isinstance(accident, UNREACHABLE):
        return "database_busy"
    too_long = isinstance(accident, SoftTimeLimitExceeded | TimeLimitExceeded)
    return "timed_out" if too_long else "worker_lost"


def _claimed_row(job: Job) -> Any:
    """Return a query set with the job's row; empty if this claim no longer holds."""
    return Job.objects.filter(
        pk=job.pk,
        state=Job.State.RUNNING,
        stage=job.stage,
        worker=job.worker,
        attempts=job.attempts,
    )


def _advance(job: Job, kind: Kind, save: kinds.Save) -> Job | None:
    """Move a job to its next stage or its end and call ``save``, in one transaction.

    Returns:
        The job if it is queued for its next stage; None if it is done or was taken over.
    """
    next_stage = kind.after(job.stage)
    if next_stage is None:
        change: dict[str, Any] = {
            "state": Job.State.DONE,
            "progress": 100,
            "finished_at": timezone.now(),
        }
    else:
        change = {
            "state": Job.State.QUEUED,
            "stage": next_stage.name,
            "progress": kind.percent(next_stage.name),
            "attempts": 0,
            "published_at": None,
            "stage_started_at": None,
        }
    change["timings"] = timings.ended(job)
    with transaction.atomic():
        if not _claimed_row(job).update(lease_until=None, **change):
            logger.warning("job %s: the claim was taken over, the outcome is discarded", job.pk)
            return None
        result = save()
        if next_stage is None:
            Job.objects.filter(pk=job.pk).update(result=result)
            _send_job_ended(job)
            return None
        job.refresh_from_db()  # ``save`` may have skipped stages
        _send_job_queued([job])
    return job


def progressed(job: Job, percent: int) -> bool:
    """Write the progress of a running stage.

    Args:
        job: The claimed job.
        percent: Progress of the whole job, 0-100.

    Returns:
        False if the claim no longer holds: the stage must stop. True also if the database is
        unreachable outside of a transaction: a missed percentage must not end the work.

    Raises:
        OperationalError, InterfaceError: The database is unreachable, within a transaction.
    """
    try:
        return bool(_claimed_row(job).update(progress=percent))
    except UNREACHABLE as error:
        if connection.in_atomic_block:
            raise
        # No reconnect: the connection may hold temporary tables of the stage.
        logger.warning("job %s: progress was not written: %s", job.pk, error)
        return True


def cancel(job: Job) -> bool:
    """Cancel an open job; a worker that runs it will save nothing.

    Returns:
        False if the job had ended already.
    """
    with transaction.atomic():
        cancelled = Job.objects.filter(
            pk=job.pk, state__in=(Job.State.QUEUED, Job.State.RUNNING)
        ).update(state=Job.State.CANCELLED, lease_until=None, finished_at=timezone.now())
        if cancelled:
            if kind := kinds.find(job.kind):
                kind.on_cancelled(job)
            _send_job_ended(job)
    return bool(cancelled)


def fail(job: Job, code: str, detail: str = "") -> bool:
    """Fail a claimed job.

    Args:
        job: The claimed job.
        code: A code of ``site/codes/``.
        detail: Technical reason; the last 4,000 characters are stored.

    Returns:
        False if the claim no longer holds.
    """
    with transaction.atomic():
        failed = _claimed_row(job).update(
            state=Job.State.FAILED,
            error_code=code,
            error_detail=detail[-4000:],
            lease_until=None,
            finished_at=timezone.now(),
            timings=timings.ended(job),
        )
        if failed:
            job.refresh_from_db()
            kinds.get(job.kind).on_failed(job)
            _send_job_ended(job)
    return bool(failed)


def _send_job_ended(job: Job) -> None:
    """Send ``job_ended``; to be called in the transaction that ends the job."""
    job_ended.send(sender=Job, job=Job.objects.get(pk=job.pk))


def _send_job_queued(jobs: Sequence[Job]) -> None:
    """Send ``job_queued`` after the current transaction commits."""
    if jobs:
        # robust: the jobs are committed by then, so an error of a receiver is only logged.
        transaction.on_commit(lambda: job_queued.send(sender=Job, jobs=jobs), robust=True)


def release(job: Job, code: str, detail: str = "") -> bool:
    """Release a claim: queue the job again, or fail it after its last attempt.

    Args:
        job: The claimed job.
        code: The error code if the job fails.
        detail: Technical reason; the last 4,000 characters are stored.

    Returns:
        Whether the job is queued again.
    """
    if job.attempts >= settings.JOB_MAX_ATTEMPTS:
        fail(job, code, detail)
        return False
    released = _claimed_row(job).update(
        state=Job.State.QUEUED, lease_until=None, published_at=None, error_detail=detail[-4000:]
    )
    if not released:
        return False
    job.refresh_from_db()
    _send_job_queued([job])
    return True


def _put_back(job: Job, percent: int) -> None:
    """Queue a job that has to wait; the next sweep sends it. Waiting is not an attempt."""
    _claimed_row(job).update(
        state=Job.State.QUEUED,
        progress=percent,
        attempts=F("attempts") - 1,
        lease_until=None,
        published_at=None,
    )


def _is_recent(job: Job) -> bool:
    """Return whether the job's first claim is younger than ``NO_BLAME_PERIOD``.

    After that the job itself is assumed to break the database's connections, so losing one counts
    as an attempt.
    """
    return job.started_at is None or timezone.now() - job.started_at < NO_BLAME_PERIOD


def _requeue(job: Job, percent: int, params: dict[str, Any]) -> bool:
    """Queue a job at its current stage with all attempts; False if the claim no longer holds."""
    with transaction.atomic():
        queued = _claimed_row(job).update(
            state=Job.State.QUEUED,
            progress=percent,
            params=params,
            attempts=0,
            lease_until=None,
            published_at=None,
        )
        if queued:
            job.refresh_from_db()
            _send_job_queued([job])
    return bool(queued)


def lost(job_id: str, stage: str, worker: str, code: str, detail: str) -> bool:
    """Release a claim whose process was killed.

    Args:
        job_id: The job.
        stage: The stage that the process ran.
        worker: The worker that claimed the job.
        code: The error code if the job fails.
        detail: Technical reason.

    Returns:
        Whether the job is queued again; False also if the claim no longer holds.
    """
    held = Job.objects.filter(pk=job_id, state=Job.State.RUNNING, stage=stage, worker=worker)

    def give_back() -> bool:
        job = held.first()
        return job is not None and release(job, code, detail)

    return persistently(give_back, LOST_SECONDS)


def lost_by(worker: str) -> list[Job]:
    """Release all claims under a worker's name; to be called when that worker starts or exits.

    Returns:
        The jobs that are queued again.
    """
    held = list(Job.objects.filter(state=Job.State.RUNNING, worker=worker))
    return [job for job in held if release(job, "worker_lost", "worker restarted")]


def sweep() -> list[Job]:
    """Release expired claims; return the queued jobs that need a message, oldest first.

    A job needs one if none was sent, or if the last one was sent more than ``JOB_REPUBLISH_AFTER``
    ago. At most ``REPUBLISH_AT_ONCE`` are returned.
    """
    for job in leases.expired_jobs():
        release(job, "worker_lost", "the lease expired")
    now = timezone.now()
    stale = Q(published_at__lt=now - settings.JOB_REPUBLISH_AFTER)
    # Sent by a clock that has been set back since.
    ahead = Q(published_at__gt=now + settings.JOB_LEASE)
    return list(
        Job.objects.filter(state=Job.State.QUEUED)
        .filter(Q(published_at__isnull=True) | stale | ahead)
        .order_by("created_at")[:REPUBLISH_AT_ONCE]
    )


def distrust_messages() -> None:
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


def retry(job: Job) -> Job | None:
    """Queue a failed or cancelled job again at its first stage.

    Returns:
        The job; None if it is neither failed nor cancelled.

    Raises:
        QuotaExceeded: The owner has too many open jobs.
    """
    kind = kinds.get(job.kind)
    ended = Job.objects.filter(pk=job.pk, state__in=(Job.State.FAILED, Job.State.CANCELLED))
    with transaction.atomic():
        row = ended.select_for_update(of=("self",)).select_related("owner").first()
        if row is None:
            return None
        if row.in_quota:
            quota.take(row.owner, 1)
        ended.update(
            state=Job.State.QUEUED,
            stage=kind.stages[0].name,
            progress=0,
            attempts=0,
            timings=[],
            error_code="",
            error_detail="",
            published_at=None,
            started_at=None,
            stage_started_at=None,
            finished_at=None,
        )
        kind.on_retried(job)
        job.refresh_from_db()
        _send_job_queued([job])
    return job
