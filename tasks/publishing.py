"""Messages to the broker for queued jobs and due webhook deliveries; no other module sends any.

Receivers of ``job_queued`` and ``deliveries_due`` send the messages after the commit. The job's row
is the outbox: if the broker does not answer, the row stays unpublished, the sweep sends its message
later, and the request that queued the job succeeds nevertheless.
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
from creativefilter.jobs import kinds, recovery, retention
from creativefilter.jobs.kinds import Kind, Stage
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
# Most messages that are sent at once after a commit: a request waits for them.
SENT_AT_ONCE = 50
# Seconds after a failure in which only the sweep contacts the broker: code that queues thousands of
# jobs one by one must not wait for a connection timeout each time.
PAUSE_SECONDS = 5.0
# Redis key for the run_id of the broker's process at the last sweep.
BROKER_RUN_KEY = "creativefilter:met"
# A message that no worker took within this time is dropped; the sweep sends a new one.
DELIVER_EXPIRES_SECONDS = 600


# Address of a broker that did not answer, and until when (``time.monotonic``) it is not contacted.
_away: tuple[str, float] = ("", 0.0)


@receiver(job_queued)
def publish_queued(jobs: Sequence[Job], **_signal: Any) -> None:
    """Publish the first ``SENT_AT_ONCE`` of these jobs; the sweep sends the rest."""
    if not _is_away():
        publish_all(jobs[:SENT_AT_ONCE])


@receiver(deliveries_due)
def publish_due(endpoints: Sequence[str], **_signal: Any) -> None:
    """Have a worker send the due deliveries of these endpoints."""
    if not _is_away():
        publish_deliveries(endpoints)


def _is_away() -> bool:
    """Return whether there is no broker, or it failed within the last ``PAUSE_SECONDS``."""
    if not has_broker():
        return True
    address, until = _away
    return address == app.conf.broker_url and time.monotonic() < until


def publish(job: Job) -> bool:
    """Send the message for the job's current stage; return False if the broker does not answer.

    A job whose stage no installed app has is only marked, so that it takes no place in the next
    sweeps: a process of another release may know the stage.
    """
    found = kinds.find_stage(job.kind, job.stage)
    if found is None:
        logger.warning("job %s: no app has the stage %s of %s", job.pk, job.stage, job.kind)
    elif not _sent(lambda: _send(job, *found), f"job {job.pk}"):
        return False
    recovery.mark_published(job)
    return True


def _sent(send: Callable[[], None], what: str) -> bool:
    """Call ``send``, twice if the connection was lost; return False if the broker does not answer.

    Args:
        send: Sends one message.
        what: Name of the message for the log.
    """
    global _away
    try:
        try:
            send()
        except (OperationalError, OSError) as error:
            # No second try after a timeout: a request may be waiting. The sweep sends it later.
            if isinstance(error.__cause__, RedisTimeoutError):
                raise
            send()  # the pooled connection is dead if the broker was restarted
    except (OperationalError, OSError) as error:
        logger.warning("%s: not published yet: %s", what, error)
        _away = (app.conf.broker_url, time.monotonic() + PAUSE_SECONDS)
        return False
    return True


def _place(lane: Lane, resource: Resource = "cpu", stages_done: int = 0) -> dict[str, Any]:
    return {
        "queue": lanes.queue(lane, resource),
        "priority": lanes.priority(lane, stages_done),
    }


def _send(job: Job, kind: Kind, stage: Stage) -> None:
    app.send_task(
        RUN_STAGE,
        args=[str(job.pk), job.stage],
        **_place(Lane(job.urgency), stage.resource, kind.stages_before(job.stage)),
        task_id=str(uuid.uuid5(job.pk, f"{job.stage}:{job.attempts}")),
        retry=False,
    )


def publish_all(jobs: Iterable[Job]) -> int:
    """Publish jobs until the broker fails once; return how many were marked as published."""
    count = 0
    for job in jobs:
        if not publish(job):
            break
        count += 1
    return count


def publish_deliveries(endpoints: Iterable[str]) -> int:
    """Have a worker send the due deliveries of these endpoints, until the broker fails once.

    A message names only the endpoint; the worker reads the deliveries from the outbox.

    Args:
        endpoints: Ids of endpoints.

    Returns:
        How many messages were sent.
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
    """Do the periodic upkeep; return how many messages were sent.

    1. Release expired claims, and publish queued jobs that have no message.
    2. Delete old deliveries, audit entries and jobs.
    3. Have a worker look into the watched folder, if there is one.
    4. Have a worker send the due deliveries of webhooks.
    """
    if _may_have_lost_messages():
        recovery.mark_all_unpublished()
    count = publish_all(recovery.sweep())
    outbox.remove_old()
    audit.remove_old()
    retention.delete_old()
    if settings.INGEST_FOLDER:
        _sent(_send_watch, WATCH)
    return count + publish_deliveries(outbox.due())


def _may_have_lost_messages() -> bool:
    """Return whether the broker was restarted or emptied since the last sweep.

    A restarted Redis has lost the messages that it had not yet written to its append-only file.
    """
    if not has_broker():
        return False
    try:
        with Redis.from_url(
            app.conf.broker_url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
        ) as broker:
            process = broker.info("server")["run_id"]
            return bool(broker.set(BROKER_RUN_KEY, process, get=True) != process)
    except RedisError as error:
        logger.warning("can't find out whether the broker was restarted: %s", error)
        return False


def _send_watch() -> None:
    # In a task of its own: a network folder that hangs must not block the sweep.
    app.send_task(WATCH, **_place(Lane.UPKEEP), expires=settings.SWEEP_SECONDS, retry=False)
