"""The job that brings the totals up to date in the background, part by part.

After a switch of the model version or a large batch of labels ``segment_changes.catch_up`` takes
seconds to minutes: too long for a request, and on SQLite nobody else could write meanwhile. Figures
add up at any moment of the job; money that is still to be moved counts where it counted before.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop

from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, register
from creativefilter.jobs.models import Job
from creativefilter.spend.totals import segment_changes

# Advertisements that a request moves itself, in about a second.
AT_ONCE = 5_000
# After a failure pages do not begin again at every look.
AGAIN_AFTER = timedelta(minutes=10)


def keep_up() -> Job | None:
    """Brings the totals up to date, or leaves it to a job where that takes long.

    To be called before totals by segment are shown. Returns None if they are up to date, else the
    job that does it, or the one that has just failed.
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
    """Move what has to be moved. Running it twice is harmless."""
    pending = segment_changes.pending_changes()
    moved = 0
    for some, share in segment_changes.catch_up_in_parts(pending):
        moved += some
        if not lifecycle.progressed(job, round(99 * share)):
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
