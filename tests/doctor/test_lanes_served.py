"""Finding queues that no worker serves, with the real broker and real workers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from creativefilter.embedded.broker import Broker
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.site.lanes import QUEUES
from tasks import doctor
from tests.worker_app import KINDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


def create_waiting_job(**age: float) -> Job:
    job = lifecycle.create(KINDS["echo"], {})
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(**age))
    return job


def facts() -> list[Any]:
    return [finding.facts for finding in doctor.look()]


def test_a_queue_without_a_worker_is_found(broker: Broker, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker.url
    create_waiting_job(minutes=9)
    assert facts() == []
    create_waiting_job(minutes=21)
    assert facts() == [{"queue": "cpu-interactive", "minutes": 21}]


def test_waiting_jobs_are_no_finding_without_a_broker() -> None:
    create_waiting_job(hours=1)
    assert facts() == []


def test_waiting_jobs_are_no_finding_if_the_broker_does_not_answer(
    broker_away: Any, settings: Any
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    create_waiting_job(hours=1)
    assert facts() == []


def test_a_busy_worker_of_another_lane_hides_no_finding(broker: Broker, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker.url
    busy, waiting = create_waiting_job(hours=1), create_waiting_job(hours=1)
    Job.objects.filter(pk=busy.pk).update(state=Job.State.RUNNING, lease_until=timezone.now())
    Job.objects.filter(pk=waiting.pk).update(urgency=Job.Urgency.BATCH)
    assert facts() == [{"queue": "cpu-batch", "minutes": 60}]


def test_waiting_jobs_are_no_finding_while_a_worker_is_busy(broker: Broker, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker.url
    busy = create_waiting_job(hours=1)
    Job.objects.filter(pk=busy.pk).update(state=Job.State.RUNNING, lease_until=timezone.now())
    create_waiting_job(hours=1)
    assert facts() == []


def test_a_queue_is_found_if_the_workers_serve_only_other_lanes(
    worker: Callable[..., Any], broker: Broker, settings: Any, eventually: Callable[..., None]
) -> None:
    settings.CELERY_BROKER_URL = broker.url
    create_waiting_job(hours=1)
    others = [queue for queue in QUEUES if queue != "cpu-interactive"]
    worker("others@suite", queues=others)
    eventually(lambda: "cpu-batch" in doctor._served())
    assert facts() == [{"queue": "cpu-interactive", "minutes": 60}]
    # The worker serves cpu-batch, but takes no job: the message is still in cpu-interactive.
    Job.objects.update(urgency=Job.Urgency.BATCH)
    assert facts() == []
