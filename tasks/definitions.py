"""Celery tasks, and signal receivers that release the claims of killed processes and workers."""

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
from creativefilter.jobs import recovery, stage_runner
from creativefilter.site.database import UNREACHABLE
from creativefilter.webhooks import delivering
from tasks import publishing
from tasks.publishing import DELIVER, RUN_STAGE, WATCH, publish_deliveries

logger = logging.getLogger(__name__)

# Soft time limit of one look into the watched folder.
LOOK_SECONDS = 60
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@shared_task(name=RUN_STAGE, bind=True)
def run_stage(self: Task[Any, Any], job_id: str, stage: str) -> None:
    """Run one stage of a job.

    Raises:
        Reject: The database is unreachable; the broker puts the message back into its queue.
    """
    try:
        stage_runner.run_stage(job_id, stage, self.request.hostname or "")
    except stage_runner.NotClaimed as error:
        raise Reject(str(error), requeue=True) from error


@shared_task(name="jobs.sweep")
def sweep() -> int:
    """Run the sweep (see ``publishing.sweep``); return how many messages were sent."""
    return publishing.sweep()


@shared_task(name=DELIVER)
def deliver(endpoint_id: str) -> None:
    """Send the due deliveries of one webhook endpoint."""
    if delivering.deliver(endpoint_id):
        publish_deliveries([endpoint_id])


# Time limits: a network folder that hangs must not block the process reserved for lane interactive.
@shared_task(name=WATCH, soft_time_limit=LOOK_SECONDS, time_limit=LOOK_SECONDS + 5)
def watch() -> None:
    """Look for new files in the watched folder."""
    watched_folder.look()


_worker_name = ""


@celeryd_init.connect
def remember_name(sender: str, **_: Any) -> None:
    """Remember the name under which this worker's processes claim jobs."""
    global _worker_name
    _worker_name = sender
    # The signal worker_shutdown would not do: Celery does not send it on a cold shutdown.
    atexit.register(release_claims)


@worker_process_init.connect
def die_with_worker(**_: Any) -> None:
    """Have the kernel kill this pool process when its worker dies, even within native code."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@task_failure.connect
def on_lost_process(sender: Task[Any, Any], exception: Exception, args: Any, **_: Any) -> None:
    """Release the claim of a pool process that was killed or interrupted.

    Runs in the worker's main process if the pool process was killed, by the kernel or the hard time
    limit; runs in the pool process if an exception was raised outside of the error handling of
    ``stage_runner.run_stage``.
    """
    if sender.name != RUN_STAGE:
        return
    job_id, stage = args
    code = stage_runner.code_of(exception)
    try:
        recovery.release_lost_claim(job_id, stage, _worker_name, code, repr(exception))
    except UNREACHABLE:
        # The sweep will release the claim once its lease has expired.
        logger.exception("job %s, stage %s: %s could not be written", job_id, stage, code)
    finally:
        # The pool forks from this process, and a child must not inherit its connections.
        connections.close_all()


@worker_ready.connect
def release_claims(**_: Any) -> None:
    """Release all claims under this worker's name; called when the worker starts and exits."""
    recovery.release_claims_of(_worker_name)
    connections.close_all()
