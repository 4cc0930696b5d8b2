"""A POST request that is repeated with the same Idempotency-Key is carried out once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from creativefilter.api.core import idempotency
from creativefilter.api.models import IdempotencyKey
from creativefilter.creatives.intake import receiving
from creativefilter.creatives.models import Creative
from creativefilter.jobs.models import Job
from tests.creatives.analysing import stored_files

pytestmark = pytest.mark.django_db
PREDICT = "/api/v1/predict"


@pytest.fixture
def send(api: Any, form: Any, folders: Path) -> Any:
    """``send(content, key=…)`` uploads a file and returns the response."""

    def post(content: bytes, name: str = "7.avi", key: str = "first", **fields: str) -> Any:
        return api.post(PREDICT, form(content, name, **fields), headers={"Idempotency-Key": key})

    return post


def test_the_same_request_gets_the_same_answer(send: Any, folders: Path) -> None:
    first, second = send(b"bytes"), send(b"bytes")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert first["Location"] == second["Location"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert second["Content-Type"] == first["Content-Type"]
    assert Job.objects.count() == Creative.objects.count() == len(stored_files(folders)) == 1
    assert "Idempotent-Replayed" not in send(b"bytes", key="second")


@pytest.mark.parametrize(
    "other",
    [
        {"content": b"bytez"},
        {"content": b"bytes", "name": "8.avi"},
        {"content": b"bytes", "advertisement_id": "9"},
    ],
)
def test_a_different_request_with_the_same_key_is_refused(send: Any, other: Any) -> None:
    send(b"bytes")
    response = send(**other)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert Job.objects.count() == 1


def test_keys_of_different_users_are_independent(send: Any, stranger: Any, form: Any) -> None:
    send(b"bytes")
    User.objects.filter(username="stranger").update(is_superuser=True)
    response = stranger.post(
        PREDICT, form(b"other bytes", "8.avi"), headers={"Idempotency-Key": "first"}
    )
    assert response.status_code == 202
    assert Job.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_request_is_not_carried_out_while_the_first_one_is_answered(
    send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, go_on = threading.Event(), threading.Event()
    receive = receiving.receive

    def slowly(*args: Any, **kwargs: Any) -> Any:
        started.set()
        go_on.wait(10)
        return receive(*args, **kwargs)

    def first() -> int:
        try:
            return int(send(b"bytes").status_code)
        finally:
            connection.close()

    monkeypatch.setattr(receiving, "receive", slowly)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first)
        assert started.wait(10)
        if connection.vendor == "sqlite":  # has one writer at a time, so the second request waits
            threading.Timer(0.5, go_on.set).start()
            second = send(b"bytes")
            assert (second.status_code, second["Idempotent-Replayed"]) == (202, "true")
        else:
            second = send(b"bytes")
            assert (second.status_code, second.json()["code"]) == (409, "idempotency_key_in_use")
            assert second["Retry-After"] == "1"
            go_on.set()
        assert running.result() == 202
    assert Job.objects.count() == 1


class ProcessDiedError(BaseException):
    """Simulates the end of a process: ``except Exception`` does not catch this."""


@pytest.mark.django_db(transaction=True)
def test_a_request_whose_process_died_is_rolled_back_and_frees_the_key(
    send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = receiving.receive

    def dies_then(*args: Any, **kwargs: Any) -> None:
        receive(*args, **kwargs)
        raise ProcessDiedError

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "receive", dies_then)
        with pytest.raises(ProcessDiedError):
            send(b"bytes")
    assert not Job.objects.exists()
    assert "Idempotent-Replayed" not in send(b"bytes")
    assert send(b"bytes")["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_request_is_committed_before_it_waits_for_its_job(
    api: Any, form: Any, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(job: Job, seconds: float) -> None:
        raise ProcessDiedError

    def post() -> Any:
        return api.post(f"{PREDICT}?wait=9", form(b"bytes"), headers={"Idempotency-Key": "k"})

    with monkeypatch.context() as patch:
        patch.setattr("creativefilter.api.predict.views.wait_for", dies)
        with pytest.raises(ProcessDiedError):
            post()
    assert Job.objects.count() == 1
    second = post()
    assert (second.status_code, second["Idempotent-Replayed"]) == (202, "true")


def test_keys_expire_after_a_day_and_are_deleted(send: Any) -> None:
    send(b"bytes")
    long_ago = timezone.now() - idempotency.RETENTION - timedelta(seconds=1)
    IdempotencyKey.objects.update(created_at=long_ago)
    assert send(b"others", "8.avi").status_code == 202
    IdempotencyKey.objects.update(created_at=long_ago)
    send(b"third", "9.avi", key="second")
    assert [row.key for row in IdempotencyKey.objects.all()] == ["second"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ключ"])
def test_a_key_must_be_visible_ascii(send: Any, key: str) -> None:
    response = send(b"bytes", key=key)
    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["Idempotency-Key"]


def test_refusals_are_stored_except_those_that_may_change(send: Any, settings: Any) -> None:
    assert send(b"bytes", advertisement_id="9" * 65).status_code == 400
    assert send(b"bytes", advertisement_id="9" * 65)["Idempotent-Replayed"] == "true"
    settings.OPEN_JOBS_PER_USER = 1
    send(b"one", key="one")
    full = send(b"two", "8.avi", key="two")
    assert (full.status_code, full.json()["code"]) == (429, "too_many_open_jobs")
    Job.objects.update(state=Job.State.DONE)
    assert send(b"two", "8.avi", key="two").status_code == 202


def test_an_internal_error_frees_the_key(
    send: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    api.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("creativefilter.creatives.intake.receiving.receive", fails)
        assert send(b"bytes").status_code == 500
    assert send(b"bytes").status_code == 202


def test_without_a_login_the_key_is_ignored(
    anonymous: Any, form: Any, folders: Path, settings: Any
) -> None:
    settings.PREDICT_ANONYMOUS, settings.PREDICT_WAIT_SECONDS = True, 0
    for content in (b"one", b"two"):
        anonymous.post("/predict", form(content), headers={"Idempotency-Key": "first"})
    assert Job.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_concurrent_requests_one_is_carried_out(
    analyst: User, form: Any, folders: Path
) -> None:
    _row, token = AuthToken.objects.create(user=analyst)

    def post(_: int) -> int:
        client = APIClient(headers={"Authorization": f"Token {token}", "Idempotency-Key": "k"})
        try:
            return client.post(PREDICT, form(b"bytes")).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(post, range(24)))
    assert 202 in statuses <= {202, 409}
    assert Job.objects.count() == IdempotencyKey.objects.count() == 1
