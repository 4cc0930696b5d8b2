"""Neural models go where the GPU is, people go before batches."""

from __future__ import annotations

import pytest

from creativefilter.celery import QUEUES, app
from creativefilter.creatives.analysis.stages import ANALYSE
from creativefilter.jobs.models import Job
from tasks.publishing import queue_of


@pytest.mark.parametrize("urgency", Job.Urgency.values)
@pytest.mark.parametrize(
    ("stage", "resource"),
    [
        ("decoding", "cpu"),
        ("speech", "gpu"),
        ("screen", "cpu"),
        ("pictures", "gpu"),
        ("classifying", "cpu"),
    ],
)
def test_each_stage_goes_to_its_queue(stage: str, resource: str, urgency: str) -> None:
    job = Job(kind=ANALYSE.name, stage=stage, urgency=urgency)
    assert queue_of(job) == f"{resource}-{urgency}"
    assert queue_of(job) in QUEUES


def test_the_stages_named_here_are_all_there_are() -> None:
    stages = ["decoding", "speech", "screen", "pictures", "classifying"]
    assert [stage.name for stage in ANALYSE.stages] == stages


def test_a_worker_of_all_queues_asks_for_people_first() -> None:
    assert QUEUES == ("gpu-interactive", "cpu-interactive", "gpu-batch", "cpu-batch")
    assert app.conf.broker_transport_options["queue_order_strategy"] == "priority"
    assert app.conf.worker_prefetch_multiplier == 1


def test_a_message_comes_again_only_after_the_hard_limit() -> None:
    options = app.conf.broker_transport_options
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit
    assert options["visibility_timeout"] > 2 * app.conf.task_time_limit
    assert app.conf.task_acks_late
    assert not app.conf.task_reject_on_worker_lost
