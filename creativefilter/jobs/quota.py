"""Limit of open jobs per user (``OPEN_JOBS_PER_USER``).

Jobs that a user asks for count. Jobs that another job creates (for the files of an archive), or
that one action creates for many creatives, do not: see ``lifted``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.contrib.auth.models import User

from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from creativefilter.site.errors import UserError

_lifted: ContextVar[bool] = ContextVar("quota lifted", default=False)


class QuotaExceeded(UserError):  # noqa: N818 (nothing is broken)
    """The owner would have more open jobs than allowed; the message is a sentence for that user."""

    def __init__(self) -> None:
        limit = settings.OPEN_JOBS_PER_USER
        super().__init__(sentence("too_many_open_jobs", {"count": limit}))


@contextmanager
def lifted() -> Iterator[None]:
    """Don't count the jobs that are created within the block."""
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


def take(owner: User | None, jobs: int) -> bool:
    """Check the owner's quota before new jobs are created.

    Call this in the transaction that creates the jobs: it locks the owner's row, so that no other
    transaction creates jobs for this owner until that one ends.

    Args:
        owner: The user who asks for the jobs; None for the system's own jobs, which don't count.
        jobs: Number of new jobs.

    Returns:
        Whether the new jobs count towards the quota (``Job.in_quota``).

    Raises:
        QuotaExceeded: The owner would have too many open jobs.
    """
    if owner is None or _lifted.get():
        return False
    # No lock on SQLite, where writing transactions are serialised anyway.
    User.objects.select_for_update(no_key=True).filter(pk=owner.pk).values_list("pk").first()
    open_jobs = Job.objects.filter(owner=owner, state__in=Job.OPEN, in_quota=True)
    if open_jobs.count() + jobs > settings.OPEN_JOBS_PER_USER:
        raise QuotaExceeded
    return True
