"""Whether the application is well, as load balancers and monitoring ask."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from creativefilter.embedded.broker import Broker
from creativefilter.jobs.health import READY, Readiness
from creativefilter.jobs.models import Job
from creativefilter.jobs.waiting import oldest_by_queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def well(broker_server: Broker, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker_server.url


def ready() -> tuple[int, dict[str, Any]]:
    response = Client().get(READY)
    assert response["Cache-Control"] == "no-store"
    assert (response.status_code == 503) == ("Retry-After" in response)
    return response.status_code, response.json()


def test_all_is_well(well: None) -> None:
    status, found = ready()
    assert (status, found["status"], found["failing"]) == (200, "ok", [])
    assert found["free_disk_bytes"] > 0
    assert found["oldest_queued_seconds"] == {}


def test_under_whatever_name_the_host_is_called(well: None, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["creatives.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/health/live", READY, "/healthz"):
        assert Client().get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_a_broker_that_is_away_is_named(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://:secret-word@127.0.0.1:2/0"
    status, found = ready()
    assert (status, found["failing"]) == (503, ["broker"])
    assert "secret-word" not in str(found)


def test_a_full_disk_is_named(well: None, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10**18
    status, found = ready()
    assert (status, found["failing"]) == (503, ["disk"])


def test_a_storage_that_can_not_be_written_is_named(well: None, settings: Any) -> None:
    settings.MEDIA_ROOT = "/proc/creatives"
    assert default_storage.location == Path("/proc/creatives").as_posix()
    status, found = ready()
    assert (status, found["failing"]) == (503, ["storage"])


def test_what_hangs_is_waited_for_once(well: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from creativefilter.jobs import health

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


def test_ages_are_those_of_each_queue() -> None:
    for hours, urgency in ((1, "batch"), (2, "batch"), (3, "interactive")):
        job = Job.objects.create(kind="analyse", stage="decoding", urgency=urgency)
        Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=hours))
    Job.objects.create(kind="gone", stage="gone")
    ages = oldest_by_queue()
    assert {queue: round(age / 3600) for queue, age in ages.items()} == {
        "cpu-batch": 2,
        "cpu-interactive": 3,
    }
