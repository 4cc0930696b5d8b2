"""A worker is killed while it decides all creatives again: the job goes on, and nothing is lost."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from creativefilter.creatives import decision_settings
from creativefilter.creatives.models import (
    Creative,
    DecisionChange,
    DecisionInputs,
    Prediction,
)
from creativefilter.jobs.models import Job
from tests.creatives.redeciding import MIX, create, decisions, fresh_decisions, queued

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 1_200


def test_a_killed_worker_neither_loses_nor_repeats_creatives(worker: Any, eventually: Any) -> None:
    create(COUNT)
    process = worker("phoenix@suite")
    job = queued()
    eventually(Prediction.objects.exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = Prediction.objects.count()
    assert 0 < done < COUNT
    assert done == DecisionInputs.objects.count()
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING
    # What was decided counts; the others wait, and no creative has failed.
    assert set(Creative.objects.values_list("state", flat=True)) == {Creative.State.DONE}

    worker("phoenix@suite")
    eventually(lambda: Job.objects.get(pk=job.pk).state == Job.State.DONE)
    job.refresh_from_db()
    assert job.result["predicted"] == COUNT
    assert Prediction.objects.count() == COUNT

    decision_settings.change(0.9, MIX, None)
    settings_job = queued()
    eventually(lambda: Job.objects.get(pk=settings_job.pk).state == Job.State.DONE)
    stored, fresh = decisions(), fresh_decisions()
    assert [one[:4] for one in stored] == [one[:4] for one in fresh]
    assert DecisionChange.objects.exists()
