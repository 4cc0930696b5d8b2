"""Deletion of old jobs and of their files."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from creativefilter.jobs import kinds
from creativefilter.jobs.models import Job
from creativefilter.site.unavailable import Unavailable

logger = logging.getLogger(__name__)

# Most jobs that one sweep deletes: other writers wait for the transaction on SQLite.
AT_ONCE = 500


def delete_old() -> int:
    """Delete jobs that ended more than ``JOBS_KEPT_DAYS`` ago, and their files; return how many.

    Rows that refer to a job (creatives, imports) stay; their reference becomes null.
    """
    oldest = timezone.now() - timedelta(days=settings.JOBS_KEPT_DAYS)
    old = Job.objects.filter(state__in=Job.FINAL, finished_at__lt=oldest)
    jobs = list(old.order_by("finished_at")[:AT_ONCE])
    # Filter again: a job may have been retried since the query above.
    Job.objects.filter(
        pk__in=[job.pk for job in jobs], state__in=Job.FINAL, finished_at__lt=oldest
    ).delete()
    remaining = set(
        Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("pk", flat=True)
    )
    deleted = [job for job in jobs if job.pk not in remaining]
    for job in deleted:
        _remove_files(job)
    return len(deleted)


def _remove_files(job: Job) -> None:
    kind = kinds.find(job.kind)
    try:
        if kind:
            kind.remove_files(job)
    except (Unavailable, OSError):
        # The row is gone already: the system check finds what is left of the files.
        logger.exception("job %s: its files were not removed", job.pk)
