"""The life of a job: every change of state is a conditional UPDATE.

Whatever queues a job sends ``job_queued`` after the commit; nobody else has to.
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

# The database was busy or away, or the stage was slow this once: worth another attempt.
TRANSIENT = (*UNREACHABLE, SoftTimeLimitExceeded, Unavailable)
# How long a worker waits for the database before it gives a message back to the queue.
CLAIM_SECONDS = 10.0
# How long a stage that is done, or that failed, tries to have that written down.
SAVE_SECONDS = 240.0
# How long a worker's main process, which has other processes to look after, tries that.
LOST_SECONDS = 20.0
# Since a job first began: for so long the end of a connection to the server costs no attempt.
BLAMELESS = timedelta(hours=1)
# Rows that one sweep publishes again, so that a long queue is not doubled on every sweep.
REPUBLISH_AT_ONCE = 1000


class NotClaimed(Exception):  # noqa: N818 (nothing is wrong with the work)
    """A job could not be claimed because the database is away: no attempt, and no failure."""


def create(
    kind: Kind,
    params: dict[str, Any],
    owner: User | None = None,
    urgency: str = Job.Urgency.INTERACTIVE,
) -> Job:
    """A queued job at its first stage. Raises ``QuotaExceeded``."""
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind.name,
            stage=kind.stages[0].name,
            params=params,
            owner=owner,
            urgency=urgency,
            in_quota=quota.take(owner, 1),
        )
        _tell_that_they_are_queued([job])
    return job


def create_at_last_stage(
    kind: Kind, params: Sequence[dict[str, Any]], owner: User | None
) -> list[Job]:
    """Queued jobs in the background whose earlier stages were done by other jobs.

    Raises ``QuotaExceeded`` if they are too many: all or none.
    """
    return _create_many(kind, kind.stages[-1].name, params, owner)


def create_many(kind: Kind, params: Sequence[dict[str, Any]], owner: User | None) -> list[Job]:
    """Queued jobs in the background at their first stage. Raises as ``create_at_last_stage``."""
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
        _tell_that_they_are_queued(jobs)
    return jobs


def skip_to_last_stage(job: Job) -> None:
    """For a ``save``: what lies between its stage and the last one is done as well."""
    kind = kinds.get(job.kind)
    stage = kind.stages[-1].name
    # The row is at the following stage already: ``_advance`` moved it in this transaction.
    Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(
        stage=stage, progress=kind.percent(stage)
    )


def create_done(
    kind: Kind, params: dict[str, Any], result: dict[str, Any], owner: User | None
) -> Job:
    """A job whose answer was known before it began; it never sees the queue."""
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
        _tell_that_it_ended(job)
    return job


def claim(job_id: str, stage: str, worker: str) -> Job | None:
    """Takes a queued job for this worker, or returns None: it is claimed, done or gone."""
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
    """Does one stage of a job.

    Returns the job if it is queued for its next stage, more of this one or another attempt; None
    if it ended, has to wait (``NotYet``), or was not this worker's.

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
        with quota.lifted(), leases.renewed(_mine(job)):
            save = kind.stage(stage).work(job)
            return persistently(lambda: _advance(job, kind, save), SAVE_SECONDS)
    except Exception as error:
        return _after(job, error)


def _after(job: Job, error: Exception) -> Job | None:
    """Write down why a stage did not come to its end; the job if it is queued again."""
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
            return job if _go_on_later(job, error.percent, error.params) else None
        elif server_away:
            # The job is not to blame: the stage begins again with all attempts.
            return job if _go_on_later(job, job.progress, job.params) else None
        elif isinstance(error, TRANSIENT):
            return job if release(job, code_of(error), repr(error)) else None
        else:
            logger.error("job %s, stage %s", job.pk, job.stage, exc_info=error)
            fail(job, "internal", detail)
        return None

    # The stage may have left a cursor open, or its connection broken.
    reconnect()
    return persistently(write, SAVE_SECONDS)


def code_of(accident: BaseException) -> str:
    """The error code of what a stage did not survive, whoever noticed."""
    if isinstance(accident, Unavailable):
        return accident.code
    if isinstance(accident, UNREACHABLE):
        return "database_busy"
    too_long = isinstance(accident, SoftTimeLimitExceeded | TimeLimitExceeded)
    return "timed_out" if too_long else "worker_lost"


def _mine(job: Job) -> Any:
    """The row of a job, if this claim of it still holds."""
    return Job.objects.filter(
        pk=job.pk,
        state=Job.State.RUNNING,
        stage=job.stage,
        worker=job.worker,
        attempts=job.attempts,
    )


def _advance(job: Job, kind: Kind, save: kinds.Save) -> Job | None:
    following = kind.after(job.stage)
    if following is None:
        change: dict[str, Any] = {
            "state": Job.State.DONE,
            "progress": 100,
            "finished_at": timezone.now(),
        }
    else:
        change = {
            "state": Job.State.QUEUED,
            "stage": following.name,
            "progress": kind.percent(following.name),
            "attempts": 0,
            "published_at": None,
            "stage_started_at": None,
        }
    change["timings"] = timings.ended(job)
    with transaction.atomic():
        if not _mine(job).update(lease_until=None, **change):
            logger.warning("job %s: the claim was taken over, its outcome is dropped", job.pk)
            return None
        result = save()
        if following is None:
            Job.objects.filter(pk=job.pk).update(result=result)
            _tell_that_it_ended(job)
            return None
        job.refresh_from_db()  # ``save`` may have skipped stages
        _tell_that_they_are_queued([job])
    return job


def progressed(job: Job, percent: int) -> bool:
    """Shows how far a long stage has come. False if the claim no longer holds: stop working.

    Outside of a transaction a database that can't be reached is passed over: work does not end
    because of a percentage.
    """
    try:
        return bool(_mine(job).update(progress=percent))
    except UNREACHABLE as error:
        if connection.in_atomic_block:
            raise
        # The connection stays: it may hold temporary tables of the stage.
        logger.warning("job %s: progress is not written: %s", job.pk, error)
        return True


def cancel(job: Job) -> bool:
    """Ends a job that is not final; whoever works on it saves nothing. False if it had ended."""
    with transaction.atomic():
        cancelled = Job.objects.filter(
            pk=job.pk, state__in=(Job.State.QUEUED, Job.State.RUNNING)
        ).update(state=Job.State.CANCELLED, lease_until=None, finished_at=timezone.now())
        if cancelled:
            if kind := kinds.find(job.kind):
                kind.on_cancelled(job)
            _tell_that_it_ended(job)
    return bool(cancelled)


def fail(job: Job, code: str, detail: str = "") -> bool:
    """Ends a claimed job with a reason. False if the claim no longer holds."""
    with transaction.atomic():
        failed = _mine(job).update(
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
            _tell_that_it_ended(job)
    return bool(failed)


def _tell_that_it_ended(job: Job) -> None:
    """Within the transaction that ends it; see ``job_ended``."""
    job_ended.send(sender=Job, job=Job.objects.get(pk=job.pk))


def _tell_that_they_are_queued(jobs: Sequence[Job]) -> None:
    """After the commit of the current transaction, if it does; see ``job_queued``."""
    if jobs:
        # What has committed is not undone by a receiver that raises: it is logged.
        transaction.on_commit(lambda: job_queued.send(sender=Job, jobs=jobs), robust=True)


def release(job: Job, code: str, detail: str = "") -> bool:
    """Gives a claim back after an accident: queued again, or failed after the last attempt.

    Returns whether the job is queued again.
    """
    if job.attempts >= settings.JOB_MAX_ATTEMPTS:
        fail(job, code, detail)
        return False
    released = _mine(job).update(
        state=Job.State.QUEUED, lease_until=None, published_at=None, error_detail=detail[-4000:]
    )
    if not released:
        return False
    job.refresh_from_db()
    _tell_that_they_are_queued([job])
    return True


def _put_back(job: Job, percent: int) -> None:
    """Queues a job that has to wait: the next sweep sends it. Waiting is not an attempt."""
    _mine(job).update(
        state=Job.State.QUEUED,
        progress=percent,
        attempts=F("attempts") - 1,
        lease_until=None,
        published_at=None,
    )


def _is_recent(job: Job) -> bool:
    """Whether a job began lately. One that goes on ending the server's connections is to blame."""
    return job.started_at is None or timezone.now() - job.started_at < BLAMELESS


def _go_on_later(job: Job, percent: int, params: dict[str, Any]) -> bool:
    """Queues a job to go on in its stage, with all attempts. False if the claim no longer holds."""
    with transaction.atomic():
        queued = _mine(job).update(
            state=Job.State.QUEUED,
            progress=percent,
            params=params,
            attempts=0,
            lease_until=None,
            published_at=None,
        )
        if queued:
            job.refresh_from_db()
            _tell_that_they_are_queued([job])
    return bool(queued)


def lost(job_id: str, stage: str, worker: str, code: str, detail: str) -> bool:
    """The process that held this claim is gone. Returns whether the job is queued again."""
    held = Job.objects.filter(pk=job_id, state=Job.State.RUNNING, stage=stage, worker=worker)

    def give_back() -> bool:
        job = held.first()
        return job is not None and release(job, code, detail)

    return persistently(give_back, LOST_SECONDS)


def lost_by(worker: str) -> list[Job]:
    """Gives back what a worker of this name held: it has just started, so it holds nothing.

    Returns the jobs that are queued again.
    """
    held = list(Job.objects.filter(state=Job.State.RUNNING, worker=worker))
    return [job for job in held if release(job, "worker_lost", "worker restarted")]


def sweep() -> list[Job]:
    """Jobs that need the broker: leases that ran out, messages that were never sent or got lost."""
    for job in leases.run_out():
        release(job, "worker_lost", "the lease ran out")
    now = timezone.now()
    stale = Q(published_at__lt=now - settings.JOB_REPUBLISH_AFTER)
    # Published by a clock that has been set back since.
    ahead = Q(published_at__gt=now + settings.JOB_LEASE)
    return list(
        Job.objects.filter(state=Job.State.QUEUED)
        .filter(Q(published_at__isnull=True) | stale | ahead)
        .order_by("created_at")[:REPUBLISH_AT_ONCE]
    )


def distrust_messages() -> None:
    """A broker or a worker died: what it was sent may be lost, so the next sweep sends it again.

    A message that comes twice does nothing the second time.
    """
    Job.objects.filter(state=Job.State.QUEUED).update(published_at=None)


def published(job: Job) -> None:
    """Notes, on the row and on ``job``, that the broker took the message of its current stage."""
    job.published_at = timezone.now()
    Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, stage=job.stage).update(
        published_at=job.published_at
    )


def retry(job: Job) -> Job | None:
    """A failed or cancelled job starts again from its first stage. None if it is neither.

    Raises ``QuotaExceeded`` if its owner has too many open ones.
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
        _tell_that_they_are_queued([job])
    return job
