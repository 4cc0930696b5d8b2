"""The order in which a worker of all queues takes jobs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)


def create_walk(urgency: str) -> Job:
    return lifecycle.create(KINDS["walk"], {"seconds": 0.1}, urgency=urgency)


def test_interactive_jobs_go_first_and_batch_jobs_finish_one_by_one(
    worker: Any, eventually: Any
) -> None:
    batch = [create_walk(Job.Urgency.BATCH) for _ in range(6)]
    person = create_walk(Job.Urgency.INTERACTIVE)
    worker()
    eventually(lambda: not Job.objects.exclude(state=Job.State.DONE).exists())
    done = list(Job.objects.order_by("finished_at"))
    assert done == [person, *batch]
    for earlier, later in itertools.pairwise(done):
        assert earlier.finished_at is not None
        assert later.started_at is not None
        assert earlier.finished_at <= later.started_at
