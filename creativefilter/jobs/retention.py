"""Jobs that ended are kept for a time, then forgotten with what they wrote."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from creativefilter.jobs import kinds
from creativefilter.jobs.models import Job

# One sweep deletes no more: writers wait for it.
AT_ONCE = 500


def forget_old() -> int:
    """Deletes jobs that ended more than ``JOBS_KEPT_DAYS`` ago; returns how many.

    What points at a job (a creative, an import) stays and points at nothing afterwards.
    """
    oldest = timezone.now() - timedelta(days=settings.JOBS_KEPT_DAYS)
    old = Job.objects.filter(state__in=Job.FINAL, finished_at__lt=oldest)
    jobs = list(old.order_by("finished_at")[:AT_ONCE])
    # A retry may be quicker: whoever is queued again by now stays.
    Job.objects.filter(
        pk__in=[job.pk for job in jobs], state__in=Job.FINAL, finished_at__lt=oldest
    ).delete()
    left = set(Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("pk", flat=True))
    gone = [job for job in jobs if job.pk not in left]
    for job in gone:
        if kind := kinds.find(job.kind):
            kind.forget(job)
    return len(gone)
