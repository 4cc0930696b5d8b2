"""Failures of jobs and workers, with real worker processes, broker and database."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from creativefilter.celery import app
from creativefilter.jobs import lifecycle, recovery
from creativefilter.jobs.models import Job
from tasks.publishing import publish
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)


def start(kind: str, **params: Any) -> Job:
    return lifecycle.create(KINDS[kind], params)


def all_final(*jobs: Job) -> Callable[[], bool]:
    def ended() -> bool:
        for job in jobs:
            job.refresh_from_db()
        return all(job.is_final for job in jobs)

    return ended


def test_stages_run_one_after_the_other(worker: Any, eventually: Any) -> None:
    worker()
    job = start("echo", say="привет")
    eventually(all_final(job))
    assert job.state == Job.State.DONE
    assert job.result is not None
    assert job.result["said"] == "привет"
    assert job.result["by"] != os.getpid()
    assert (job.stage, job.progress) == ("two", 100)


def test_a_job_that_kills_its_process_fails_after_three_attempts(
    worker: Any, eventually: Any
) -> None:
    worker()
    deadly, next_one = start("kill"), start("echo", say="alive")
    eventually(all_final(deadly, next_one))
    assert (deadly.state, deadly.error_code) == (Job.State.FAILED, "worker_lost")
    assert deadly.attempts == 3
    assert next_one.state == Job.State.DONE


def test_a_job_blocked_beyond_the_hard_limit_ends_with_a_reason(
    worker: Any, eventually: Any
) -> None:
    worker(STAGE_SOFT_SECONDS="2", STAGE_HARD_SECONDS="4")
    # Let the worker publish the job: a message carries the time limits of its sender's settings.
    blocked = Job.objects.create(kind="block", stage="one", params={"seconds": 600})
    app.send_task("jobs.sweep", queue="cpu-interactive")
    eventually(all_final(blocked))
    assert (blocked.state, blocked.error_code) == (Job.State.FAILED, "timed_out")
    assert blocked.attempts == 3


def test_terminal_errors_are_not_retried(worker: Any, eventually: Any) -> None:
    worker()
    refused, crashed = start("refuse"), start("crash")
    eventually(all_final(refused, crashed))
    assert (refused.error_code, refused.error_detail) == ("not_media", "on purpose")
    assert crashed.error_code == "internal"
    assert "ZeroDivisionError" in crashed.error_detail
    assert {refused.attempts, crashed.attempts} == {1}


def test_a_message_that_arrives_twice_runs_the_job_once(worker: Any, eventually: Any) -> None:
    job = start("sleep", seconds=2)
    publish(job)
    worker(processes=2)
    eventually(all_final(job))
    first = job.result
    after = start("echo", say="the queue is empty")
    eventually(all_final(after))
    job.refresh_from_db()
    assert (job.state, job.attempts, job.result) == (Job.State.DONE, 1, first)


def test_the_jobs_of_a_killed_worker_run_again_when_it_restarts(
    worker: Any, eventually: Any
) -> None:
    process = worker("phoenix@suite")
    job = start("sleep", seconds=6)
    eventually(lambda: Job.objects.get(pk=job.pk).state == Job.State.RUNNING)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    worker("phoenix@suite")
    eventually(all_final(job))
    assert (job.state, job.attempts) == (Job.State.DONE, 2)


def test_the_jobs_of_a_lost_host_are_taken_over_by_another_worker(
    worker: Any, eventually: Any, settings: Any
) -> None:
    settings.JOB_LEASE = timedelta(seconds=2)
    process = worker("gone@suite", JOB_LEASE_SECONDS="2")
    job = start("sleep", seconds=5)
    eventually(lambda: Job.objects.get(pk=job.pk).state == Job.State.RUNNING)
    time.sleep(3)
    assert recovery.sweep() == []
    assert Job.objects.get(pk=job.pk).lease_missed_at is None, "the lease was not renewed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    worker("other@suite", JOB_LEASE_SECONDS="2")
    ended = all_final(job)
    eventually(lambda: [recovery.sweep(), ended()][1], 20)
    assert (job.state, job.attempts, job.worker) == (Job.State.DONE, 2, "other@suite")


def test_a_worker_that_is_asked_to_stop_releases_its_claims(worker: Any, eventually: Any) -> None:
    process = worker("leaving@suite", SOFT_SHUTDOWN_SECONDS="1")
    job = start("sleep", seconds=60)
    eventually(lambda: Job.objects.get(pk=job.pk).state == Job.State.RUNNING)
    process.send_signal(signal.SIGQUIT)
    process.wait(40)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
