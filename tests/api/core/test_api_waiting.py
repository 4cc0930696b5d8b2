"""Answers that wait for a job, and the places for waiting."""

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
PLACES = django_settings.WEB_THREADS // 2


@pytest.mark.django_db
@pytest.mark.parametrize("wait", ["61", "-1", "soon", "1.5"])
def test_a_wait_that_is_no_number_from_0_to_60_is_refused(
    api: Any, form: Any, folders: Path, wait: str
) -> None:
    response = api.post(f"{PREDICT}?wait={wait}", form(b"bytes"))
    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["wait"]
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_wait_that_nobody_ends_is_answered_with_the_job(
    api: Any, form: Any, folders: Path
) -> None:
    response = api.post(f"{PREDICT}?wait=1", form(b"bytes"))
    assert response.status_code == 202
    assert response.json()["state"] == "queued"


@pytest.fixture
def full_house(transactional_db: None) -> Iterator[list[threading.Thread]]:
    """Threads on every place, each waiting for a job that ends when the test does."""
    job = lifecycle.create(KINDS["echo"], {})
    outcomes: list[bool] = []

    def wait() -> None:
        try:
            while not wait_for(mine := Job.objects.get(pk=job.pk), 60):
                pass  # the test was just looking whether a place is left
            outcomes.append(mine.is_final)
        finally:
            connection.close()

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(PLACES)]
    for thread in threads:
        thread.start()
    lobby = Job.objects.get(pk=job.pk)
    while wait_for(lobby, 0.01):  # until no place is left; leaves time for one to be taken
        time.sleep(0.3)
    yield threads
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    for thread in threads:
        thread.join(60)
    assert outcomes == [True] * PLACES


@pytest.mark.django_db(transaction=True)
def test_half_of_the_web_threads_may_wait_and_the_next_is_answered_at_once(
    full_house: list[threading.Thread], api: Any, form: Any, folders: Path
) -> None:
    response = api.post(f"{PREDICT}?wait=60", form(b"bytes"))
    assert response.status_code == 202
    # Those who came before, and wait no longer than this request asked for, are waiting still.
    assert all(thread.is_alive() for thread in full_house)


@pytest.mark.django_db(transaction=True)
def test_the_reference_address_answers_202_when_no_place_is_left(
    full_house: list[threading.Thread], api: Any, form: Any, folders: Path
) -> None:
    response = api.post("/predict", form(b"bytes"))
    assert response.status_code == 202
    assert response.json()["result"] is None
    assert response.json()["job"] == response["Location"]
    assert all(thread.is_alive() for thread in full_house)


@pytest.mark.django_db
def test_a_place_is_given_back_also_after_an_error() -> None:
    gone = lifecycle.create(KINDS["echo"], {})
    Job.objects.all().delete()
    for _ in range(PLACES + 1):
        with pytest.raises(Job.DoesNotExist):
            wait_for(gone, 1)
