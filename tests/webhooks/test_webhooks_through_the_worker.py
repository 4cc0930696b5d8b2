"""Deliveries with a real worker, broker and receiver, and with a worker killed while sending."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from creativefilter.jobs import lifecycle
from creativefilter.webhooks import endpoints, outbox
from creativefilter.webhooks.models import Delivery, Endpoint, Event
from tasks.publishing import publish_deliveries
from tests.webhooks.receiving import Receiver
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)
ALLOWED = {"WEBHOOKS_ALLOW_PRIVATE": "true"}


@pytest.fixture
def endpoint(receiver: Receiver, private_allowed: None) -> Any:
    user = User.objects.create_user("owner")
    row, secret = endpoints.register(user, receiver.url, Event.values)
    row.secret = secret  # type: ignore[attr-defined]
    return row


def sweep_after(**age: float) -> None:
    """Set pending deliveries and back-offs to ``age`` ago; publish what is due, like the sweep."""
    past = timezone.now() - timedelta(**age)
    Delivery.objects.filter(state=Delivery.State.PENDING).update(next_attempt_at=past)
    Endpoint.objects.update(not_before=past)
    publish_deliveries(outbox.due())


def test_deliveries_survive_failing_receivers_and_killed_workers(
    endpoint: Any, receiver: Receiver, worker: Any, eventually: Any, verify: Any
) -> None:
    release = threading.Event()
    receiver.answers = [500, 500]
    first = worker("first@suite", **ALLOWED)
    job = lifecycle.create(KINDS["echo"], {"say": "hello"}, owner=endpoint.owner)

    def failed(times: int) -> Any:
        # ``failures`` is stored with the outcome, while an attempt is counted before.
        return lambda: Endpoint.objects.filter(failures=times).exists()

    # The first delivery needs no sweep: the end of the job sends it.
    eventually(failed(1))
    sweep_after(seconds=1)
    eventually(failed(2))
    sweep_after(seconds=1)
    eventually(lambda: Delivery.objects.filter(state=Delivery.State.DELIVERED).exists())
    assert len(receiver.received) == 3
    assert all(verify(endpoint.secret, each.headers, each.body) for each in receiver.received)
    assert {str(job.pk) in each.body.decode() for each in receiver.received} == {True}

    # A delivery is not lost if its worker is killed while it waits for the answer.
    receiver.received.clear()
    receiver.answers = [lambda handler: release.wait(20)]
    delivery = outbox.send_test(endpoint)
    eventually(lambda: len(receiver.received) == 1)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    release.set()
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.PENDING
    assert outbox.due() == [], "the claim of the killed worker still holds"
    worker("second@suite", **ALLOWED)
    sweep_after(seconds=1)
    eventually(lambda: len(receiver.received) == 2)
    eventually(lambda: Delivery.objects.get(pk=delivery.pk).state == Delivery.State.DELIVERED)
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
