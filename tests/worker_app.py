"""The real Celery application, with additional kinds of jobs for the tests."""

from __future__ import annotations

import os
import signal
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")

from creativefilter.celery import app

django.setup()

from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, register  # noqa: E402
from creativefilter.jobs.models import Job  # noqa: E402

__all__ = ["app"]

NOTHING = lambda: None  # noqa: E731


def echo(job: Job) -> Save:
    return lambda: {"said": job.params["say"], "by": os.getpid()}


def kill_own_process(job: Job) -> Save:
    os.kill(os.getpid(), signal.SIGKILL)
    return NOTHING


def block(job: Job) -> Save:
    """Wait with the signal of the soft time limit blocked, as in native code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    deadline = time.monotonic() + job.params["seconds"]
    while time.monotonic() < deadline:
        time.sleep(0.1)
    return NOTHING


def sleep(job: Job) -> Save:
    time.sleep(job.params["seconds"])
    return lambda: {"by": os.getpid()}


def refuse(job: Job) -> Save:
    raise JobError("not_media", "on purpose")


def crash(job: Job) -> Save:
    raise ZeroDivisionError("on purpose")


KINDS = {
    name: register(Kind(name, tuple(stages), lambda job: None))
    for name, stages in {
        "echo": [Stage("one", "cpu", lambda job: NOTHING), Stage("two", "gpu", echo)],
        "walk": [
            Stage("one", "cpu", sleep),
            Stage("two", "gpu", sleep),
            Stage("three", "cpu", sleep),
        ],
        "kill": [Stage("one", "cpu", kill_own_process)],
        "block": [Stage("one", "cpu", block)],
        "sleep": [Stage("one", "cpu", sleep)],
        "refuse": [Stage("one", "cpu", refuse)],
        "crash": [Stage("one", "cpu", crash)],
    }.items()
}
