"""How long jobs have been waiting for a worker."""

from __future__ import annotations

from django.db.models import Min
from django.utils import timezone

from creativefilter.jobs import kinds
from creativefilter.jobs.models import Job


def oldest_by_queue() -> dict[str, int]:
    """The age in seconds of the oldest job that waits, for each queue in which any does."""
    waiting = Job.objects.filter(state=Job.State.QUEUED).order_by()
    ages: dict[str, int] = {}
    now = timezone.now()
    for row in waiting.values("kind", "stage", "urgency").annotate(oldest=Min("created_at")):
        kind = kinds.find(row["kind"])
        if kind is None:
            continue
        queue = f"{kind.stage(row['stage']).resource}-{row['urgency']}"
        age = max(0, int((now - row["oldest"]).total_seconds()))
        ages[queue] = max(age, ages.get(queue, 0))
    return ages
