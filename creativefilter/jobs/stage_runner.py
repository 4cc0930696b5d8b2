"""Run one stage of a job: claim it, do the work, save the outcome."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from creativefilter.jobs import kinds, leases, lifecycle, quota, timings
from creativefilter.jobs.kinds import Continued, JobError, Kind, NotYet
from creativefilter.jobs.models import Job
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
# Time after a job's first claim in which a lost database connection does not count as an attempt.
NO_BLAME_PERIOD = timedelta(hours=1)


class NotClaimed(Exception):  # noqa: N818 (nothing is wrong with the work)
    """A job could not be claimed because the database is unreachable; not counted as an attempt."""


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
        for another attempt. None if it ended, waits for other jobs (``NotYet``) or for a worker
        that has the stage, could not be claimed or was taken over.

    Raises:
        NotClaimed: The database could not be reached for ``CLAIM_SECONDS``.
        OperationalError, InterfaceError: The outcome could not be written for ``SAVE_SECONDS``.
    """
    try:
        job = persistently(lambda: claim(job_id, stage, worker), CLAIM_SECONDS)
    except UNREACHABLE as error:
        raise NotClaimed(str(error)) from error
    if job is None:
        return None
    if (found := kinds.find_stage(job.kind, stage)) is None:
        # The job may be of another release, whose workers have the stage.
        logger.warning("job %s: no app has the stage %s of %s", job.pk, stage, job.kind)
        return _handle_error(job, NotYet(job.progress))
    kind, current = found
    try:
        with quota.lifted(), leases.renewed(lifecycle.claimed_row(job)):
            save = current.work(job)
            return persistently(lambda: _advance(job, kind, save), SAVE_SECONDS)
    except Exception as error:
        return _handle_error(job, error)


def _handle_error(job: Job, error: Exception) -> Job | None:
    """Fail or requeue a job whose stage raised; return the job if it is queued again."""
    detail = traceback.format_exc(limit=-5)
    server_away = isinstance(error, UNREACHABLE) and is_lost() and _is_recent(job)

    def write() -> Job | None:
        if disk_full.is_full(error):
            lifecycle.fail(job, "storage_full", repr(error))
        elif isinstance(error, JobError):
            lifecycle.fail(job, error.code, error.detail)
        elif isinstance(error, NotYet):
            _put_back(job, error.percent)
        elif isinstance(error, Continued):
            return job if _requeue(job, error.percent, error.params) else None
        elif server_away:
            return job if _requeue(job, job.progress, job.params) else None
        elif isinstance(error, TRANSIENT):
            return job if lifecycle.release(job, code_of(error), repr(error)) else None
        else:
            logger.error("job %s: stage %s failed", job.pk, job.stage, exc_info=error)
            lifecycle.fail(job, "internal", detail)
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
        if not lifecycle.claimed_row(job).update(lease_until=None, **change):
            logger.warning("job %s: the claim was taken over, the outcome is discarded", job.pk)
            return None
        result = save()
        if next_stage is None:
            Job.objects.filter(pk=job.pk).update(result=result)
            lifecycle.send_job_ended(job)
            return None
        job.refresh_from_db()  # ``save`` may have skipped stages
        lifecycle.send_job_queued([job])
    return job


def write_progress(job: Job, percent: int) -> bool:
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
        return bool(lifecycle.claimed_row(job).update(progress=percent))
    except UNREACHABLE as error:
        if connection.in_atomic_block:
            raise
        # No reconnect: the connection may hold temporary tables of the stage.
        logger.warning("job %s: progress was not written: %s", job.pk, error)
        return True


def _put_back(job: Job, percent: int) -> None:
    """Queue a job that has to wait; the next sweep sends it. Waiting is not an attempt."""
    lifecycle.claimed_row(job).update(
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
        queued = lifecycle.claimed_row(job).update(
            state=Job.State.QUEUED,
            progress=percent,
            params=params,
            attempts=0,
            lease_until=None,
            published_at=None,
        )
        if queued:
            job.refresh_from_db()
            lifecycle.send_job_queued([job])
    return bool(queued)
