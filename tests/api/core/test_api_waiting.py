"""Responses that wait for a job, and the limit on how many may wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from creativefilter.api.core.waiting import wait_for
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

PREDICT = "/api/v1/predict"
SLOTS = django_settings.WEB_THREADS // 2


@pytest.mark.django_db
@pytest.mark.parametrize("wait", ["61", "-1", "soon", "1.5"])
def test_wait_must_be_an_integer_from_0_to_60(
    api: Any, form: Any, folders: Path, wait: str
) -> None:
    response = api.post(f"{PREDICT}?wait={wait}", form(b"bytes"))
    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["wait"]
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_after_the_wait_an_unfinished_job_is_returned(api: Any, form: Any, folders: Path) -> None:
    response = api.post(f"{PREDICT}?wait=1", form(b"bytes"))
    assert response.status_code == 202
    assert response.json()["state"] == "queued"


@pytest.fixture
def all_slots_taken(transactional_db: None) -> Iterator[list[threading.Thread]]:
    """Occupy all slots with threads that wait for a job, which ends with the test."""
    job = lifecycle.create(KINDS["echo"], {})
    outcomes: list[bool] = []

    def wait() -> None:
        try:
            while not wait_for(current := Job.objects.get(pk=job.pk), 60):
                pass  # the loop below held the slot for a moment
            outcomes.append(current.is_final)
        finally:
            connection.close()

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(SLOTS)]
    for thread in threads:
        thread.start()
    probe = Job.objects.get(pk=job.pk)
    while wait_for(probe, 0.01):  # until all slots are taken; the pause lets a thread take one
        time.sleep(0.3)
    yield threads
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    for thread in threads:
        thread.join(60)
    assert outcomes == [True] * SLOTS


@pytest.mark.django_db(transaction=True)
def test_without_a_free_slot_the_answer_comes_at_once(
    all_slots_taken: list[threading.Thread], api: Any, form: Any, folders: Path
) -> None:
    response = api.post(f"{PREDICT}?wait=60", form(b"bytes"))
    assert response.status_code == 202
    # This request did not wait: otherwise the threads, which wait 60 s as well and started
    # earlier, would have ended.
    assert all(thread.is_alive() for thread in all_slots_taken)


@pytest.mark.django_db(transaction=True)
def test_the_reference_service_answers_202_without_a_free_slot(
    all_slots_taken: list[threading.Thread], api: Any, form: Any, folders: Path
) -> None:
    response = api.post("/predict", form(b"bytes"))
    assert response.status_code == 202
    assert response.json()["result"] is None
    assert response.json()["job"] == response["Location"]
    assert all(thread.is_alive() for thread in all_slots_taken)


@pytest.mark.django_db
def test_slots_are_released_after_an_error() -> None:
    gone = lifecycle.create(KINDS["echo"], {})
    Job.objects.all().delete()
    for _ in range(SLOTS + 1):
        with pytest.raises(Job.DoesNotExist):
            wait_for(gone, 1)
