"""System check of the queues: queues in which jobs wait and that no worker serves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy, gettext_noop
from redis.exceptions import RedisError

from creativefilter.celery import app, has_broker
from creativefilter.jobs import kinds
from creativefilter.jobs.models import Job
from creativefilter.jobs.waiting import oldest_by_queue
from creativefilter.site import doctor, probes
from creativefilter.site.doctor import Check, Finding, Problem

# How long a job may wait before its queue is checked, and how long workers have to answer.
PATIENCE = timedelta(minutes=10)
ANSWER_SECONDS = 3.0

UNSERVED = Problem(
    "queue_unserved",
    gettext_lazy(
        "Jobs wait in %(queue)s, the oldest for %(minutes)d min, and no worker takes them."
    ),
    gettext_lazy(
        "Start a worker for that queue (manage.py run, or manage.py worker --queues %(queue)s). If "
        "one runs, look at its log: logs/worker.log, or that of its container."
    ),
)


def look() -> Iterator[Finding]:
    """Find queues whose oldest job waits longer than ``PATIENCE`` and that no worker serves.

    A long queue is not an error: a queue is reported only if no worker has taken a job from it
    lately and no worker that answers serves it.
    """
    if not _broker_answers():
        return
    waiting = {q: age for q, age in oldest_by_queue().items() if age > PATIENCE.total_seconds()}
    suspects = [queue for queue in waiting if not _took_lately(queue)]
    if not suspects:
        return
    served = _served()
    for queue in suspects:
        if queue not in served:
            yield UNSERVED.found(count=1, queue=queue, minutes=waiting[queue] // 60)


def _took_lately(queue: str) -> bool:
    """Return whether a job of that queue runs, or one of its stages started in ``PATIENCE``."""
    resource, _, lane = queue.partition("-")
    stages = Q(pk__in=[])
    for kind in kinds.registered():
        names = [stage.name for stage in kind.stages if stage.resource == resource]
        stages |= Q(kind=kind.name, stage__in=names)
    recent = Q(state=Job.State.RUNNING) | Q(stage_started_at__gt=timezone.now() - PATIENCE)
    return Job.objects.filter(stages, recent, urgency=lane).exists()


def _broker_answers() -> bool:
    """Return whether there is a broker and it answers; a broker that doesn't has its own check."""
    try:
        probes.broker()
    except (RedisError, OSError):
        return False
    return has_broker()


def _served() -> set[str]:
    """Return the names of the queues that the answering workers serve."""
    answers = app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
    return {queue["name"] for queues in answers.values() for queue in queues}


doctor.register(Check(gettext_noop("lanes of the queue"), (UNSERVED,), look, quick=True))
