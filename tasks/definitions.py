"""The tasks, and what a worker does when a process of its pool is lost."""

from __future__ import annotations

import atexit
import ctypes
import logging
import signal
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Reject
from celery.signals import celeryd_init, task_failure, worker_process_init, worker_ready
from django.db import connections

from creativefilter.creatives.intake import watched_folder
from creativefilter.jobs import lifecycle
from creativefilter.site.database import UNREACHABLE
from creativefilter.webhooks import delivering
from tasks import publishing
from tasks.publishing import DELIVER, RUN_STAGE, WATCH, publish_deliveries

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@shared_task(name=RUN_STAGE, bind=True)
def run_stage(self: Task[Any, Any], job_id: str, stage: str) -> None:
    """Does one stage of a job."""
    try:
        lifecycle.run_stage(job_id, stage, self.request.hostname or "")
    except lifecycle.NotClaimed as away:
        # The message goes back to where it was. There is nothing to do without the database.
        raise Reject(str(away), requeue=True) from away


@shared_task(name="jobs.sweep")
def sweep() -> int:
    """Queues again what a dead worker or a lost message left."""
    return publishing.sweep()


@shared_task(name=DELIVER)
def deliver(endpoint_id: str) -> None:
    """Sends what is due to one webhook."""
    if delivering.deliver(endpoint_id):
        publish_deliveries([endpoint_id])


# A folder of the network that hangs must not keep the process that is reserved for people.
@shared_task(name=WATCH, soft_time_limit=LOOK_SECONDS, time_limit=LOOK_SECONDS + 5)
def watch() -> None:
    """Looks into the watched folder."""
    watched_folder.look()


_worker_name = ""


@celeryd_init.connect
def remember_name(sender: str, **_: Any) -> None:
    """The name under which this worker's processes claim jobs."""
    global _worker_name
    _worker_name = sender
    # Not the signal worker_shutdown: a cold shutdown, as in a deploy, does not send it.
    atexit.register(release_claims)


@worker_process_init.connect
def die_with_worker(**_: Any) -> None:
    """A process of the pool never outlives its worker, not even in the middle of native code."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@task_failure.connect
def on_lost_process(sender: Task[Any, Any], exception: Exception, args: Any, **_: Any) -> None:
    """Nobody is left who would write what became of the claim.

    Runs in the worker's main process when its child was killed, by the kernel or a time limit;
    in the child when a stage was cut off outside of what ``run_stage`` guards.
    """
    if sender.name != RUN_STAGE:
        return
    job_id, stage = args
    code = lifecycle.code_of(exception)
    try:
        lifecycle.lost(job_id, stage, _worker_name, code, repr(exception))
    except UNREACHABLE:
        # The lease will run out.
        logger.exception("job %s, stage %s: %s is not written", job_id, stage, code)
    finally:
        # The pool forks again from this process: no connection may be shared with a child.
        connections.close_all()


@worker_ready.connect
def release_claims(**_: Any) -> None:
    """A worker that starts or ends holds nothing: what its name still claims is queued again."""
    lifecycle.lost_by(_worker_name)
    connections.close_all()
