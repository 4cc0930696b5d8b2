"""Notices above figures that a job is still computing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from creativefilter.jobs.models import Job
from creativefilter.spend.reports.filters import merges_in
from creativefilter.spend.totals import recount_jobs


def keep_up() -> list[dict[str, Any]]:
    """Bring the totals up to date; return a notice for the page if a job has to do it."""
    job = recount_jobs.keep_up()
    if job is None:
        return []
    return [
        notice_of(
            job,
            _("Segments of many creatives have changed; the figures are being updated."),
            _("The figures could not be updated: some segments are out of date."),
        )
    ]


def note_merges(request: HttpRequest) -> None:
    """Add a message for each merged segment that the filters of the address name."""
    for merge in merges_in(request.GET):
        messages.info(request, str(merge))


def notice_of(job: Job, going_on: str, failed: str, *, reload: bool = False) -> dict[str, Any]:
    """Return the context of ``spend/working.html`` for a job that figures wait for.

    Args:
        job: The job.
        going_on: Text while the job waits or runs.
        failed: Text if the job has failed.
        reload: Whether the page reloads itself when the job has ended.
    """
    has_failed = job.state == Job.State.FAILED
    return {
        "text": failed if has_failed else going_on,
        "failed": has_failed,
        "percent": job.progress,
        "source": reverse("admin:spend_working", args=[job.pk]),
        "reload": reload,
    }
