"""State changes of jobs; each is a conditional UPDATE.

Every function that queues a job sends ``job_queued`` after the commit; callers don't have to.
``stage_runner`` runs the stages, ``recovery`` releases the claims of workers that died.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from creativefilter.jobs import kinds, quota, timings
from creativefilter.jobs.kinds import Kind
from creativefilter.jobs.models import Job
from creativefilter.jobs.signals import job_ended, job_queued


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
        send_job_queued([job])
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
    """Create queued jobs at their first stage, otherwise like ``create_at_last_stage``."""
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
        send_job_queued(jobs)
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
        send_job_ended(job)
    return job


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
            send_job_ended(job)
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
        failed = claimed_row(job).update(
            state=Job.State.FAILED,
            error_code=code,
            error_detail=detail[-4000:],
            lease_until=None,
            finished_at=timezone.now(),
            timings=timings.ended(job),
        )
        if failed:
            job.refresh_from_db()
            if kind := kinds.find(job.kind):
                kind.on_failed(job)
            send_job_ended(job)
    return bool(failed)


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
    released = claimed_row(job).update(
        state=Job.State.QUEUED, lease_until=None, published_at=None, error_detail=detail[-4000:]
    )
    if not released:
        return False
    job.refresh_from_db()
    send_job_queued([job])
    return True


def retry(job: Job) -> Job | None:
    """Queue a failed or cancelled job again at its first stage.

    Returns:
        The job; None if it is neither failed nor cancelled, or no installed app has its kind.

    Raises:
        QuotaExceeded: The owner has too many open jobs.
    """
    kind = kinds.find(job.kind)
    if kind is None:
        return None
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
        send_job_queued([job])
    return job


def claimed_row(job: Job) -> Any:
    """Return a query set with the job's row; empty if this claim no longer holds."""
    return Job.objects.filter(
        pk=job.pk,
        state=Job.State.RUNNING,
        stage=job.stage,
        worker=job.worker,
        attempts=job.attempts,
    )


def send_job_ended(job: Job) -> None:
    """Send ``job_ended``; to be called in the transaction that ends the job."""
    job_ended.send(sender=Job, job=Job.objects.get(pk=job.pk))


def send_job_queued(jobs: Sequence[Job]) -> None:
    """Send ``job_queued`` after the current transaction commits."""
    if jobs:
        # robust: the jobs are committed by then, so an error of a receiver is only logged.
        transaction.on_commit(lambda: job_queued.send(sender=Job, jobs=jobs), robust=True)
