"""Lanes in which jobs wait and that no worker serves: with the real broker and real workers."""

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

pytestmark = pytest.mark.django_db(transaction=True)


def waiting_for(**age: float) -> Job:
    job = lifecycle.create(KINDS["echo"], {})
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(**age))
    return job


def found() -> list[Any]:
    return [finding.facts for finding in doctor.look()]


def test_without_a_worker_the_lane_is_named(broker: Broker, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker.url
    waiting_for(minutes=9)
    assert found() == []
    waiting_for(minutes=21)
    assert found() == [{"queue": "cpu-interactive", "minutes": 21}]


def test_where_the_application_does_not_run_jobs_wait_for_it() -> None:
    waiting_for(hours=1)
    assert found() == []


def test_a_broker_that_is_away_is_another_finding(broker_away: Any, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    waiting_for(hours=1)
    assert found() == []


def test_a_worker_that_is_busy_will_come_to_it(broker: Broker, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker.url
    busy = waiting_for(hours=1)
    Job.objects.filter(pk=busy.pk).update(state=Job.State.RUNNING, lease_until=timezone.now())
    waiting_for(hours=1)
    assert found() == []


def test_a_worker_of_another_lane_is_none_of_this_one(
    worker: Callable[..., Any], broker: Broker, settings: Any, eventually: Callable[..., None]
) -> None:
    settings.CELERY_BROKER_URL = broker.url
    waiting_for(hours=1)
    others = [queue for queue in QUEUES if queue != "cpu-interactive"]
    worker("others@suite", queues=others)
    eventually(lambda: "cpu-batch" in doctor._served())
    assert found() == [{"queue": "cpu-interactive", "minutes": 60}]
    # It hears of no message of these, so it takes none: but it would.
    Job.objects.update(urgency=Job.Urgency.BATCH)
    assert found() == []
