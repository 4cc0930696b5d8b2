"""Age of the jobs that wait for a worker."""

from __future__ import annotations

from django.db.models import Min
from django.utils import timezone

from creativefilter.jobs import kinds
from creativefilter.jobs.models import Job


def oldest_by_queue() -> dict[str, int]:
    """Return the age of the oldest queued job by queue, in seconds; empty queues are left out."""
    waiting = Job.objects.filter(state=Job.State.QUEUED).order_by()
    ages: dict[str, int] = {}
    now = timezone.now()
    for row in waiting.values("kind", "stage", "urgency").annotate(oldest=Min("created_at")):
        found = kinds.find_stage(row["kind"], row["stage"])
        if found is None:
            continue
        queue = f"{found[1].resource}-{row['urgency']}"
        age = max(0, int((now - row["oldest"]).total_seconds()))
        ages[queue] = max(age, ages.get(queue, 0))
    return ages
