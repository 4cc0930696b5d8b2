"""Queues and priorities of stages, and the Celery settings that they depend on."""

from __future__ import annotations

import pytest

from creativefilter.celery import app
from creativefilter.creatives.analysis.stages import ANALYSE
from creativefilter.jobs.models import Job
from creativefilter.site import lanes
from creativefilter.site.lanes import PRIORITIES, PRIORITY_STEPS, QUEUES, RESERVED_QUEUES, Lane


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
    [found] = [each for each in ANALYSE.stages if each.name == stage]
    queue = lanes.queue(Lane(urgency), found.resource)
    assert queue == f"{resource}-{urgency}"
    assert queue in QUEUES


def test_an_analysis_has_five_stages_in_this_order() -> None:
    stages = ["decoding", "speech", "screen", "pictures", "classifying"]
    assert [stage.name for stage in ANALYSE.stages] == stages


def test_a_worker_of_all_queues_serves_interactive_queues_first() -> None:
    assert QUEUES == (
        "gpu-interactive", "cpu-interactive", "cpu-upkeep", "gpu-long", "cpu-long",
        "cpu-webhooks", "gpu-batch", "cpu-batch",
    )  # fmt: skip
    assert RESERVED_QUEUES == ("gpu-interactive", "cpu-interactive", "cpu-upkeep")
    assert app.conf.broker_transport_options["priority_steps"] == PRIORITY_STEPS
    assert app.conf.broker_transport_options["queue_order_strategy"] == "priority"
    assert app.conf.worker_prefetch_multiplier == 1


def test_the_broker_redelivers_only_after_the_hard_limit() -> None:
    options = app.conf.broker_transport_options
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit
    assert options["visibility_timeout"] > 2 * app.conf.task_time_limit
    assert app.conf.task_acks_late
    assert not app.conf.task_reject_on_worker_lost


def test_the_lanes_divide_the_message_priorities_in_order() -> None:
    assert [step for lane in Lane for step in PRIORITIES[lane]] == PRIORITY_STEPS


@pytest.mark.parametrize("lane", [Lane.INTERACTIVE, Lane.BATCH])
@pytest.mark.parametrize("resource", lanes.RESOURCES)
def test_later_stages_of_an_analysis_go_first(lane: Lane, resource: str) -> None:
    found = [
        lanes.priority(lane, number)
        for number, stage in enumerate(ANALYSE.stages)
        if stage.resource == resource
    ]
    assert found == sorted(set(found), reverse=True)
