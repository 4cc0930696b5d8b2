"""Claims, by which only one worker at a time works on a job, and the entries of ended stages."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS


@pytest.mark.django_db
def test_a_claim_stores_the_worker_and_a_lease() -> None:
    job = lifecycle.create(KINDS["echo"], {})
    claimed = stage_runner.claim(str(job.pk), "one", "a")
    assert claimed is not None
    assert (claimed.state, claimed.worker, claimed.attempts) == (Job.State.RUNNING, "a", 1)
    assert claimed.lease_until is not None
    assert claimed.lease_until > timezone.now()
    assert claimed.started_at is not None


@pytest.mark.django_db
def test_only_a_job_queued_at_the_stage_is_claimed() -> None:
    job = lifecycle.create(KINDS["echo"], {})
    assert stage_runner.claim(str(job.pk), "two", "a") is None
    assert stage_runner.claim(str(uuid.uuid4()), "one", "a") is None
    assert stage_runner.claim(str(job.pk), "one", "a")
    assert stage_runner.claim(str(job.pk), "one", "b") is None
    Job.objects.update(state=Job.State.DONE)
    assert stage_runner.claim(str(job.pk), "one", "b") is None


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_concurrent_workers_gets_the_claim() -> None:
    job = lifecycle.create(KINDS["echo"], {})
    barrier = threading.Barrier(6)
    claims: list[Job | None] = []

    def claim(name: str) -> None:
        try:
            barrier.wait(20)
            claims.append(stage_runner.claim(str(job.pk), "one", name))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(claims) == 6
    [winner] = [claim for claim in claims if claim]
    job.refresh_from_db()
    assert (job.worker, job.attempts) == (winner.worker, 1)


@pytest.mark.django_db
def test_each_stage_that_ends_adds_an_entry_to_timings() -> None:
    job = lifecycle.create(KINDS["echo"], {"say": "x"})
    for stage in ("one", "two"):
        stage_runner.run_stage(str(job.pk), stage, "w")
    job.refresh_from_db()
    assert [(one["stage"], one["attempts"]) for one in job.timings] == [("one", 1), ("two", 1)]
