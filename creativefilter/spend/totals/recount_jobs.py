"""The job that brings the totals up to date in the background, in short transactions.

After another model version is activated or a large batch of labels is set,
``segment_changes.catch_up`` takes seconds to minutes: too long for a request, and on SQLite it
would block all other writers. While the job runs, the totals always add up to the whole spend;
advertisements that are not recounted yet stay under their old segment.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop

from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, register
from creativefilter.jobs.models import Job
from creativefilter.spend.totals import segment_changes

# Up to this many advertisements are recounted within the request, which takes about a second.
AT_ONCE = 5_000
# After a failure, requests start no other job for this long.
AGAIN_AFTER = timedelta(minutes=10)


def keep_up() -> Job | None:
    """Bring the totals up to date, or have a job do it if there are many changes.

    Call it before showing totals by segment.

    Returns:
        None if the totals are up to date, else the job that updates them. The job may be one that
        failed within the last ``AGAIN_AFTER``.
    """
    pending = segment_changes.pending_changes()
    if pending.size <= AT_ONCE:
        segment_changes.catch_up(pending)
        return None
    of_kind = Job.objects.filter(kind=SPEND_RECOUNT.name).order_by("-created_at")
    if job := of_kind.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING)).first():
        return job
    now = timezone.now()
    # Not later than now: the clock may have been set back.
    recently = (now - AGAIN_AFTER, now)
    if job := of_kind.filter(state=Job.State.FAILED, finished_at__range=recently).first():
        return job
    return lifecycle.create(SPEND_RECOUNT, {}, urgency=Job.Urgency.LONG)


def run(job: Job) -> Save:
    """Count all pending changes. Running it twice is harmless.

    Raises:
        JobError: The worker no longer holds the claim of the job.
    """
    pending = segment_changes.pending_changes()
    moved = 0
    for some, share in segment_changes.catch_up_in_parts(pending):
        moved += some
        if not stage_runner.write_progress(job, round(99 * share)):
            raise JobError("worker_lost")

    def save() -> dict[str, Any]:
        return {"moved": moved + segment_changes.save_watermark(pending)}

    return save


SPEND_RECOUNT = register(
    Kind(
        gettext_noop("spend_following"),
        (Stage(gettext_noop("counting"), "cpu", run),),
        lambda job: None,
    )
)
