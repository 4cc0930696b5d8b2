"""Deliveries from the end of a job to the receiver: recorded, signed, sent, retried."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.jobs.signals import job_ended
from creativefilter.webhooks import delivering, endpoints, outbox, signing
from creativefilter.webhooks.models import Delivery, Endpoint, Event
from tests.webhooks.receiving import Receiver
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db
State = Delivery.State


def ended(owner: User | None, kind: str = "crash") -> Job:
    """Create a job and run all of its stages."""
    job = lifecycle.create(KINDS[kind], {"say": "hello"}, owner=owner)
    for stage in KINDS[kind].stages:
        stage_runner.run_stage(str(job.pk), stage.name, "worker")
    job.refresh_from_db()
    assert job.is_final
    return job


def later(**age: float) -> None:
    """Move all times of deliveries and endpoints into the past by ``age``."""
    past = timedelta(**age)
    for delivery in Delivery.objects.all():
        Delivery.objects.filter(pk=delivery.pk).update(
            next_attempt_at=delivery.next_attempt_at - past, created_at=delivery.created_at - past
        )
    for row in Endpoint.objects.all():
        since = row.failing_since and row.failing_since - past
        Endpoint.objects.filter(pk=row.pk).update(
            not_before=row.not_before - past, failing_since=since
        )


def send_due() -> None:
    for endpoint in outbox.due():
        delivering.deliver(endpoint)


def test_a_done_job_is_delivered_with_a_valid_signature(
    endpoint: Any, receiver: Receiver, owner: User, verify: Any
) -> None:
    job = ended(owner, "echo")
    send_due()
    [request] = receiver.received
    message = json.loads(request.body)
    assert message["event"] == "job.done"
    assert message["id"] == request.headers["webhook-id"]
    assert datetime.fromisoformat(message["created_at"]) <= timezone.now()
    assert message["job"] == {
        "id": str(job.pk),
        "kind": "echo",
        "state": "done",
        "url": f"/api/v1/jobs/{job.pk}",
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "error": None,
    }
    assert request.headers["content-type"] == "application/json"
    assert verify(endpoint.secret, request.headers, request.body)
    assert not verify(endpoint.secret, request.headers, request.body + b" ")
    assert not verify("whsec_" + "A" * 44, request.headers, request.body)
    old = {**request.headers, "webhook-timestamp": str(int(timezone.now().timestamp()) - 3600)}
    assert not verify(endpoint.secret, old, request.body)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.status_code, delivery.answer) == (
        State.DELIVERED, 1, 200, "answer 200",
    )  # fmt: skip
    send_due()
    assert len(receiver.received) == 1


def test_failed_and_cancelled_jobs_are_delivered_with_the_error(
    endpoint: Endpoint, receiver: Receiver, owner: User, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://creatives.example"
    ended(owner, "refuse")
    assert lifecycle.cancel(lifecycle.create(KINDS["echo"], {}, owner=owner))
    lifecycle.create_done(KINDS["echo"], {}, {}, owner)
    send_due()
    messages = [json.loads(request.body) for request in receiver.received]
    assert [each["event"] for each in messages] == ["job.failed", "job.cancelled", "job.done"]
    assert messages[0]["job"]["error"] == {"code": "not_media"}
    assert messages[0]["job"]["url"].startswith("https://creatives.example/api/v1/jobs/")
    assert messages[1]["job"]["state"] == "cancelled"


def test_only_subscribed_events_of_own_jobs_are_recorded(endpoint: Endpoint, owner: User) -> None:
    ended(None)
    ended(User.objects.create_user("other"))
    endpoints.change(endpoint, {"events": [Event.CANCELLED]})
    ended(owner)
    endpoints.change(endpoint, {"events": Event.values, "active": False})
    ended(owner)
    assert not Delivery.objects.exists()


def test_the_end_of_a_job_and_its_deliveries_are_one_transaction(
    endpoint: Endpoint, owner: User
) -> None:
    job = lifecycle.create(KINDS["crash"], {}, owner=owner)

    def refuse(**_: Any) -> None:
        raise DatabaseError("on purpose")

    job_ended.connect(refuse)
    try:
        with pytest.raises(DatabaseError), transaction.atomic():
            lifecycle.cancel(job)
    finally:
        job_ended.disconnect(refuse)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    assert not Delivery.objects.exists()


def test_failed_deliveries_are_retried_with_the_same_id_and_body(
    endpoint: Any, receiver: Receiver, owner: User, verify: Any
) -> None:
    receiver.answers = [500, 302]
    ended(owner)
    send_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status_code) == (State.PENDING, 500)
    pause = delivery.next_attempt_at - timezone.now()
    assert timedelta(seconds=7) < pause < timedelta(seconds=13)
    send_due()
    assert len(receiver.received) == 1, "the delivery is not due yet"
    later(seconds=14)
    send_due()
    later(seconds=14)
    send_due()
    assert len(receiver.received) == 2
    later(seconds=60)
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.status_code) == (State.DELIVERED, 3, 200)
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert len({request.body for request in receiver.received}) == 1
    assert all(verify(endpoint.secret, each.headers, each.body) for each in receiver.received)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_a_delivery_fails_after_the_last_attempt_and_can_be_sent_again(
    endpoint: Endpoint, receiver: Receiver, owner: User, settings: Any
) -> None:
    settings.WEBHOOK_DISABLE_AFTER_DAYS = 60
    tries = len(delivering.DELAYS) + 1
    receiver.answers = [503] * tries
    ended(owner)
    for _ in range(tries + 3):
        send_due()
        later(hours=12)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (State.FAILED, tries)
    assert delivery.next_try is None
    receiver.answers = [500]
    outbox.send_again(delivery)
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (State.PENDING, tries + 1)
    pause = delivery.next_attempt_at - timezone.now()
    assert pause < timedelta(seconds=13), "the delays start from the first one again"
    outbox.send_again(delivery)
    send_due()
    delivery.refresh_from_db()
    assert delivery.state == State.DELIVERED
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1


def test_a_failing_endpoint_backs_off_and_then_gets_pending_deliveries(
    endpoint: Endpoint, receiver: Receiver, owner: User
) -> None:
    receiver.answers = [500, 500]
    for _ in range(3):
        ended(owner)
    send_due()
    assert len(receiver.received) == 1, "after one failure nothing more is sent"
    assert outbox.due() == []
    later(seconds=14)
    send_due()
    assert len(receiver.received) == 2
    later(seconds=80)
    send_due()
    assert Delivery.objects.filter(state=State.DELIVERED).count() == 3


def test_days_of_failures_switch_an_endpoint_off_until_its_owner_switches_it_on(
    endpoint: Endpoint, receiver: Receiver, owner: User, settings: Any
) -> None:
    settings.WEBHOOK_DISABLE_AFTER_DAYS = 3
    tries = len(delivering.DELAYS) + 1
    receiver.answers = [500] * (tries + 1)
    ended(owner)
    for _ in range(tries):
        send_due()
        later(hours=10)
    endpoint.refresh_from_db()
    assert endpoint.active
    later(hours=12)
    ended(owner)
    send_due()
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.off_reason) == (False, Endpoint.Off.FAILING)
    pending = Delivery.objects.get(state=State.PENDING)
    assert pending.next_try is None
    later(hours=10)
    assert outbox.due() == []
    with pytest.raises(endpoints.EndpointError) as refused:
        outbox.send_again(pending)
    assert refused.value.code == "webhook_off"
    endpoints.change(endpoint, {"active": True})
    assert (endpoint.off_reason, endpoint.failures) == ("", 0)
    send_due()
    pending.refresh_from_db()
    assert pending.state == State.DELIVERED


def test_a_success_between_failures_keeps_an_endpoint_on(
    endpoint: Endpoint, receiver: Receiver, owner: User, settings: Any
) -> None:
    settings.WEBHOOK_DISABLE_AFTER_DAYS = 1
    receiver.answers = [500, 500, 500, 500, 200, 500, 500, 500, 500]
    for _ in range(2):
        ended(owner)
        for _try in range(5):
            send_due()
            later(hours=10)
    endpoint.refresh_from_db()
    assert endpoint.active
    assert receiver.answers == []


def test_an_endpoint_has_one_sender_until_its_lease_runs_out(
    endpoint: Endpoint, receiver: Receiver, owner: User
) -> None:
    ended(owner)
    claim = delivering._claim(str(endpoint.pk))
    assert claim is not None
    assert delivering._next_delivery(str(endpoint.pk)) is not None
    assert outbox.due() == []
    delivering.deliver(str(endpoint.pk))
    assert receiver.received == []
    later(minutes=2)
    send_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (State.DELIVERED, 2)


@pytest.mark.parametrize("status", [200, 500])
def test_a_late_sender_changes_neither_the_delivery_nor_the_endpoint(
    endpoint: Endpoint, receiver: Receiver, owner: User, status: int
) -> None:
    ended(owner)
    failing = {"failures": 99, "failing_since": timezone.now() - timedelta(days=99)}
    Endpoint.objects.update(**failing)
    endpoint.refresh_from_db()
    receiver.answers = [status]
    delivery = delivering._next_delivery(str(endpoint.pk))
    assert delivery is not None
    # Another sender claims the delivery while the first one waits for its answer.
    Delivery.objects.update(attempts=5)
    outcome = delivering._attempt(endpoint, delivery)
    delivering._record_outcome(endpoint, delivery, outcome, timezone.now())
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.status_code) == (State.PENDING, 5, None)
    endpoint.refresh_from_db()
    assert endpoint.active
    assert (endpoint.failures, endpoint.failing_since) == tuple(failing.values())


def test_deliveries_recorded_during_a_turn_are_sent_in_it(
    endpoint: Endpoint, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(owner)
    sent: list[bytes] = []

    def post(url: str, headers: Any, body: bytes) -> Any:
        sent.append(body)
        if len(sent) < 3:
            ended(owner)
        return delivering.Outcome(200)

    monkeypatch.setattr(delivering, "post", post)
    assert delivering.deliver(str(endpoint.pk)) is False
    assert len(sent) == 3


def test_an_endpoint_that_is_deleted_before_an_attempt_is_no_error(
    endpoint: Endpoint, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(owner)
    real = delivering._next_delivery

    def next_delivery(endpoint_id: str, **options: Any) -> Delivery | None:
        found = real(endpoint_id, **options)
        Endpoint.objects.filter(pk=endpoint_id).delete()
        return found

    monkeypatch.setattr(delivering, "_next_delivery", next_delivery)
    monkeypatch.setattr(delivering, "post", lambda *_: delivering.Outcome(200))
    assert delivering.deliver(str(endpoint.pk)) is False


@pytest.mark.parametrize("change", ["deleted", "switched off", "taken over"])
def test_a_turn_ends_when_the_endpoint_is_deleted_switched_off_or_taken_over(
    endpoint: Endpoint, owner: User, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    for _ in range(3):
        ended(owner)
    sent: list[bytes] = []

    def post(url: str, headers: Any, body: bytes) -> Any:
        sent.append(body)
        if change == "deleted":
            Endpoint.objects.get().delete()
        elif change == "switched off":
            endpoints.change(endpoint, {"active": False})
        else:
            # The owner sends a delivery again, and another worker claims the endpoint.
            outbox.send_again(Delivery.objects.filter(attempts=0)[0])
            assert delivering._claim(str(endpoint.pk)) is not None
        return delivering.Outcome(200)

    monkeypatch.setattr(delivering, "post", post)
    assert delivering.deliver(str(endpoint.pk)) is False
    assert len(sent) == 1
    assert Delivery.objects.filter(attempts=0).count() == (0 if change == "deleted" else 2)


def test_a_turn_ends_after_turn_seconds(
    endpoint: Endpoint, receiver: Receiver, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "TURN_SECONDS", 0.0)
    for _ in range(3):
        ended(owner)
    assert [delivering.deliver(str(endpoint.pk)) for _ in range(3)] == [True, True, False]
    assert len(receiver.received) == 3


def test_old_deliveries_are_removed(endpoint: Endpoint, owner: User, settings: Any) -> None:
    settings.WEBHOOK_HISTORY_DAYS = 30
    ended(owner)
    later(days=31)
    ended(owner)
    outbox.remove_old()
    assert Delivery.objects.count() == 1
    assert Delivery.objects.get().created_at > timezone.now() - timedelta(days=1)


def test_secrets_are_not_stored_and_can_be_renewed(
    endpoint: Any, receiver: Receiver, owner: User, verify: Any, settings: Any
) -> None:
    old = endpoint.secret
    row = Endpoint.objects.values().get()
    raw = signing._derive(endpoint, settings.SECRET_KEY)
    stored = " ".join(str(value) for value in row.values())
    assert old.removeprefix("whsec_") not in stored
    assert raw.hex() not in stored
    assert old not in stored
    new = endpoints.new_secret(endpoint)
    assert new != old
    ended(owner)
    send_due()
    [request] = receiver.received
    assert verify(new, request.headers, request.body)
    assert not verify(old, request.headers, request.body)


def test_a_changed_secret_key_is_detected_unless_the_old_one_is_a_fallback(
    endpoint: Any, receiver: Receiver, owner: User, verify: Any, settings: Any
) -> None:
    key = settings.SECRET_KEY
    settings.SECRET_KEY = "another key " * 5
    ended(owner)
    send_due()
    delivery = Delivery.objects.get()
    assert (delivery.error, delivery.attempts) == ("secret_lost", 1)
    assert receiver.received == []
    settings.SECRET_KEY_FALLBACKS = [key]
    later(minutes=1)
    send_due()
    [request] = receiver.received
    assert verify(endpoint.secret, request.headers, request.body)


def test_the_number_of_endpoints_per_user_is_limited(owner: User) -> None:
    for number in range(endpoints.PER_USER):
        endpoints.register(owner, f"https://example.com/{number}", Event.values)
    with pytest.raises(endpoints.EndpointError) as refused:
        endpoints.register(owner, "https://example.com/", Event.values)
    assert refused.value.code == "webhook_too_many"
    other = User.objects.create_user("other")
    assert endpoints.register(other, "https://example.com/", Event.values)
