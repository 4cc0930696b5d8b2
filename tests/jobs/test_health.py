"""The health addresses for load balancers and monitoring."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from creativefilter.embedded.broker import Broker
from creativefilter.jobs import health
from creativefilter.jobs.health import READY, Readiness
from creativefilter.jobs.models import Job
from creativefilter.jobs.waiting import oldest_by_queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def all_services_answer(broker_server: Broker, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker_server.url


def ready() -> tuple[int, dict[str, Any]]:
    response = Client().get(READY)
    assert response["Cache-Control"] == "no-store"
    assert (response.status_code == 503) == ("Retry-After" in response)
    return response.status_code, response.json()


def test_ready_answers_200_if_all_probes_succeed(all_services_answer: None) -> None:
    status, found = ready()
    assert (status, found["status"], found["failing"]) == (200, "ok", [])
    assert found["free_disk_bytes"] > 0
    assert found["oldest_queued_seconds"] == {}


def test_health_answers_for_any_host_header_and_without_https(
    all_services_answer: None, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["creatives.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/health/live", READY, "/healthz"):
        assert Client().get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_ready_names_a_broker_that_does_not_answer(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://:secret-word@127.0.0.1:2/0"
    status, found = ready()
    assert (status, found["failing"]) == (503, ["broker"])
    assert "secret-word" not in str(found)


def test_ready_names_a_full_disk(all_services_answer: None, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10**18
    status, found = ready()
    assert (status, found["failing"]) == (503, ["disk"])


def test_ready_names_a_storage_that_can_not_be_written(
    all_services_answer: None, settings: Any
) -> None:
    settings.MEDIA_ROOT = "/proc/creatives"
    assert default_storage.location == Path("/proc/creatives").as_posix()
    status, found = ready()
    assert (status, found["failing"]) == (503, ["storage"])


def test_a_probe_that_hangs_is_started_only_once(
    all_services_answer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, end = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        end.wait(30)

    monkeypatch.setitem(health.PROBES, "storage", hang)
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    readiness = Readiness()
    began = time.monotonic()
    try:
        assert [readiness.find()["failing"] for _ in range(3)] == [["storage"]] * 3
    finally:
        end.set()
    assert len(asked) == 1
    assert time.monotonic() - began < 10


def test_requests_that_come_during_the_first_probes_get_their_result(
    all_services_answer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(health.PROBES, "storage", lambda: time.sleep(0.5))
    readiness = Readiness()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _number: readiness.find(), range(4)))
    assert [each["status"] for each in found] == ["ok"] * 4


def test_the_age_of_the_oldest_job_is_given_for_each_queue() -> None:
    for hours, urgency in ((1, "batch"), (2, "batch"), (3, "interactive")):
        job = Job.objects.create(kind="analyse", stage="decoding", urgency=urgency)
        Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=hours))
    for kind in ("gone", "analyse"):
        Job.objects.create(kind=kind, stage="gone")
    ages = oldest_by_queue()
    assert {queue: round(age / 3600) for queue, age in ages.items()} == {
        "cpu-batch": 2,
        "cpu-interactive": 3,
    }
