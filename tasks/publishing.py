"""The only module that talks to the broker: it sends what waits for a worker, under our own ids.

Receivers of ``job_queued`` and ``deliveries_due`` send it after the commit. The row of a job is the
outbox: if the broker does not answer, the row stays unpublished and the sweep sends it later; the
request that queued the job succeeds all the same.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.dispatch import receiver
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from creativefilter.accounts import audit
from creativefilter.celery import app, has_broker
from creativefilter.jobs import kinds, lifecycle, retention
from creativefilter.jobs.models import Job
from creativefilter.jobs.signals import job_queued
from creativefilter.site import lanes
from creativefilter.site.lanes import Lane, Resource
from creativefilter.webhooks import outbox
from creativefilter.webhooks.signals import deliveries_due

logger = logging.getLogger(__name__)

RUN_STAGE = "jobs.run_stage"
DELIVER = "webhooks.deliver"
WATCH = "creatives.watch"
# A person waits while so many are sent.
SOME = 50
# After a failure only the sweep asks the broker for so long: whoever queues thousands of jobs one
# by one does not wait for a connection as many times.
PAUSE_SECONDS = 5.0
# The broker keeps here which of its processes the last sweep met.
MET = "creativefilter:met"
# By then the sweep has asked again.
DELIVER_EXPIRES_SECONDS = 600


# The address of a broker that did not answer, and until when (``time.monotonic``) it is spared.
_away: tuple[str, float] = ("", 0.0)


@receiver(job_queued)
def publish_queued(jobs: Sequence[Job], **_signal: Any) -> None:
    """Publishes the first ``SOME`` of these jobs; the sweep sends the rest."""
    if not _is_away():
        publish_all(jobs[:SOME])


@receiver(deliveries_due)
def publish_due(endpoints: Sequence[str], **_signal: Any) -> None:
    """Has a worker send what is due to these endpoints."""
    if not _is_away():
        publish_deliveries(endpoints)


def _is_away() -> bool:
    """Whether there is no broker, or it did not answer a moment ago."""
    if not has_broker():
        return True
    address, until = _away
    return address == app.conf.broker_url and time.monotonic() < until


def publish(job: Job) -> bool:
    """Sends the job's current stage to its queue. False if the broker does not answer."""
    if not _sent(lambda: _send(job), f"job {job.pk}"):
        return False
    lifecycle.published(job)
    return True


def _sent(send: Callable[[], None], what: str) -> bool:
    global _away
    try:
        try:
            send()
        except (OperationalError, OSError) as error:
            # Somebody waits for our answer: what timed out once is left to the sweeper.
            if isinstance(error.__cause__, RedisTimeoutError):
                raise
            send()  # a broker that was started again: the old connection was dead
    except (OperationalError, OSError) as error:
        logger.warning("%s is not published yet: %s", what, error)
        _away = (app.conf.broker_url, time.monotonic() + PAUSE_SECONDS)
        return False
    return True


def _place(lane: Lane, resource: Resource = "cpu", stages_done: int = 0) -> dict[str, Any]:
    return {
        "queue": lanes.queue(lane, resource),
        "priority": lanes.priority(lane, stages_done),
    }


def _send(job: Job) -> None:
    kind, lane = kinds.get(job.kind), Lane(job.urgency)
    stage = kind.stage(job.stage)
    app.send_task(
        RUN_STAGE,
        args=[str(job.pk), job.stage],
        **_place(lane, stage.resource, kind.stages_before(job.stage)),
        task_id=str(uuid.uuid5(job.pk, f"{job.stage}:{job.attempts}")),
        retry=False,
    )


def publish_all(jobs: Iterable[Job]) -> int:
    """Publishes until the broker fails once; returns how many went out."""
    count = 0
    for job in jobs:
        if not publish(job):
            break
        count += 1
    return count


def publish_deliveries(endpoints: Iterable[str]) -> int:
    """Has a worker send what is due to these endpoints; the rows of the outbox say what that is.

    Publishes until the broker fails once; returns how many went out.
    """
    count = 0
    for endpoint in endpoints:
        if not _sent(partial(_send_deliver, endpoint), f"webhook {endpoint}"):
            break
        count += 1
    return count


def _send_deliver(endpoint: str) -> None:
    app.send_task(
        DELIVER,
        args=[endpoint],
        **_place(Lane.WEBHOOKS),
        expires=DELIVER_EXPIRES_SECONDS,
        retry=False,
    )


def sweep() -> int:
    """Queues again what a dead worker or a lost message left, and webhooks whose time has come."""
    if _may_have_lost_messages():
        lifecycle.distrust_messages()
    count = publish_all(lifecycle.sweep())
    outbox.remove_old()
    audit.remove_old()
    retention.forget_old()
    if settings.INGEST_FOLDER:
        _sent(_send_watch, WATCH)
    return count + publish_deliveries(outbox.due())


def _may_have_lost_messages() -> bool:
    """Whether the broker is no longer the process that the last sweep met, or was emptied since.

    One that is started again has lost what it had not yet written to its file.
    """
    if not has_broker():
        return False
    try:
        with Redis.from_url(
            app.conf.broker_url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
        ) as broker:
            process = broker.info("server")["run_id"]
            return bool(broker.set(MET, process, get=True) != process)
    except RedisError as error:
        logger.warning("the broker does not say who it is: %s", error)
        return False


def _send_watch() -> None:
    # By a worker: a folder of the network that hangs must not keep the sweep from the rest.
    app.send_task(WATCH, **_place(Lane.UPKEEP), expires=settings.SWEEP_SECONDS, retry=False)
