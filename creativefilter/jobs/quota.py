"""How much of the queue one person may take.

What a person asks for counts; what a job makes in its turn (the files of an archive), or what
follows for all creatives from one decision, does not: it was asked for once.
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
    """The owner has as many open jobs as allowed; the message is a sentence for that person."""

    def __init__(self) -> None:
        most = settings.OPEN_JOBS_PER_USER
        super().__init__(sentence("too_many_open_jobs", {"count": most}))


@contextmanager
def lifted() -> Iterator[None]:
    """What is created within does not count."""
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


def take(owner: User | None, jobs: int) -> bool:
    """Whether the new jobs count. Raises ``QuotaExceeded`` if they are too many.

    Call it in the transaction that creates them: until it ends nobody else creates any for this
    owner. Jobs of nobody do not count.
    """
    if owner is None or _lifted.get():
        return False
    # SQLite's transactions come one after the other anyway.
    User.objects.select_for_update(no_key=True).filter(pk=owner.pk).values_list("pk").first()
    open_jobs = Job.objects.filter(owner=owner, state__in=Job.OPEN, in_quota=True)
    if open_jobs.count() + jobs > settings.OPEN_JOBS_PER_USER:
        raise QuotaExceeded
    return True
