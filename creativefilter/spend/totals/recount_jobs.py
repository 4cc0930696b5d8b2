"""Many creatives got another segment: their money is moved in the background, part by part.

After a switch of the model version or a large batch of labels ``segments.catch_up`` takes seconds
to minutes, which no request waits for, and on SQLite nobody else could write meanwhile. Figures
add up at any moment of it; what is still to come counts where it counted before.
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
    look = segment_changes.look()
    if look.size <= AT_ONCE:
        segment_changes.catch_up(look)
        return None
    of_kind = Job.objects.filter(kind=SPEND_FOLLOWING.name).order_by("-created_at")
    if job := of_kind.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING)).first():
        return job
    recently = timezone.now() - AGAIN_AFTER
    if job := of_kind.filter(state=Job.State.FAILED, finished_at__gt=recently).first():
        return job
    return lifecycle.create(SPEND_FOLLOWING, {})


def run(job: Job) -> Save:
    """Moves what has to be moved; whoever does it twice finds nothing left to do."""
    look = segment_changes.look()
    moved = 0
    for some, share in segment_changes.in_parts(look):
        moved += some
        if not lifecycle.progressed(job, round(99 * share)):
            raise JobError("worker_lost")

    def save() -> dict[str, Any]:
        return {"moved": moved + segment_changes.settle(look)}

    return save


SPEND_FOLLOWING = register(
    Kind(
        gettext_noop("spend_following"),
        (Stage(gettext_noop("counting"), "cpu", run),),
        lambda job: None,
    )
)
