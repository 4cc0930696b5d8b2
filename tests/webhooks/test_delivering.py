"""From the end of a job to the receiver: written with it, signed, sent until it arrives."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.jobs.signals import job_ended
from creativefilter.webhooks import delivering, endpoints, outbox, signing
from creativefilter.webhooks.models import Delivery, Endpoint, Event
from tests.webhooks.receiving import Receiver
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db
State = Delivery.State


def ended(owner: User | None, kind: str = "crash") -> Job:
    """A job that a worker took and that came to its end."""
    job = lifecycle.create(KINDS[kind], {"say": "hello"}, owner=owner)
    for stage in KINDS[kind].stages:
        lifecycle.run_stage(str(job.pk), stage.name, "worker")
    job.refresh_from_db()
    assert job.is_final
    return job


def later(**how_long: float) -> None:
    """As if so much time had passed."""
    gone = timedelta(**how_long)
    for delivery in Delivery.objects.all():
        Delivery.objects.filter(pk=delivery.pk).update(
            next_attempt_at=delivery.next_attempt_at - gone, created_at=delivery.created_at - gone
        )
    for row in Endpoint.objects.all():
        since = row.failing_since and row.failing_since - gone
        Endpoint.objects.filter(pk=row.pk).update(
            not_before=row.not_before - gone, failing_since=since
        )


def send_due() -> None:
    for endpoint in outbox.due():
        delivering.deliver(endpoint)


def test_a_job_that_is_done_is_told_and_the_signature_is_right(
    endpoint: Any, receiver: Receiver, owner: User, verify: Any
) -> None:
    job = ended(owner, "echo")
    send_due()
    [request] = receiver.received
    told = json.loads(request.body)
    assert told["event"] == "job.done"
    assert told["id"] == request.headers["webhook-id"]
    assert datetime.fromisoformat(told["created_at"]) <= timezone.now()
    assert told["job"] == {
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


def test_failed_and_cancelled_jobs_are_told_with_what_went_wrong(
    endpoint: Endpoint, receiver: Receiver, owner: User, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://creatives.example"
    ended(owner, "refuse")
    assert lifecycle.cancel(lifecycle.create(KINDS["echo"], {}, owner=owner))
    lifecycle.create_done(KINDS["echo"], {}, {}, owner)
    send_due()
    told = [json.loads(request.body) for request in receiver.received]
    assert [each["event"] for each in told] == ["job.failed", "job.cancelled", "job.done"]
    assert told[0]["job"]["error"] == {"code": "not_media"}
    assert told[0]["job"]["url"].startswith("https://creatives.example/api/v1/jobs/")
    assert told[1]["job"]["state"] == "cancelled"


def test_nobody_hears_of_what_is_not_his_or_was_not_asked_for(
    endpoint: Endpoint, owner: User
) -> None:
    ended(None)
    ended(User.objects.create_user("other"))
    endpoints.change(endpoint, {"events": [Event.CANCELLED]})
    ended(owner)
    endpoints.change(endpoint, {"events": Event.values, "active": False})
    ended(owner)
    assert not Delivery.objects.exists()


def test_an_end_that_is_rolled_back_tells_nothing_and_the_other_way_round(
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


def test_what_fails_is_tried_again_until_it_arrives_with_the_same_number_and_body(
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
    assert len(receiver.received) == 1, "it is not its time yet"
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


def test_after_the_last_try_it_is_given_up_and_can_be_sent_again_by_hand(
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
    assert pause < timedelta(seconds=13), "tries begin anew"
    outbox.send_again(delivery)
    send_due()
    delivery.refresh_from_db()
    assert delivery.state == State.DELIVERED
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1


def test_an_address_that_fails_rests_and_then_gets_what_waited(
    endpoint: Endpoint, receiver: Receiver, owner: User
) -> None:
    receiver.answers = [500, 500]
    for _ in range(3):
        ended(owner)
    send_due()
    assert len(receiver.received) == 1, "one failure is enough to see that it is away"
    assert outbox.due() == []
    later(seconds=14)
    send_due()
    assert len(receiver.received) == 2
    later(seconds=80)
    send_due()
    assert Delivery.objects.filter(state=State.DELIVERED).count() == 3


def test_days_of_nothing_but_failures_switch_it_off_and_its_owner_on_again(
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
    waiting = Delivery.objects.get(state=State.PENDING)
    assert waiting.next_try is None
    later(hours=10)
    assert outbox.due() == []
    with pytest.raises(endpoints.EndpointError) as refused:
        outbox.send_again(waiting)
    assert refused.value.code == "webhook_off"
    endpoints.change(endpoint, {"active": True})
    assert (endpoint.off_reason, endpoint.failures) == ("", 0)
    send_due()
    waiting.refresh_from_db()
    assert waiting.state == State.DELIVERED


def test_a_success_between_failures_keeps_it_on(
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


def test_only_one_sends_to_an_address_at_a_time_and_a_dead_one_is_succeeded(
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


def test_who_comes_late_writes_nothing(endpoint: Endpoint, receiver: Receiver, owner: User) -> None:
    ended(owner)

    def taken_over(handler: Any) -> None:
        Delivery.objects.update(attempts=5)
        handler.send_error(500)

    # As if another had taken the row while the first still waited for its answer.
    delivery = delivering._next_delivery(str(endpoint.pk))
    assert delivery is not None
    Delivery.objects.update(attempts=5)
    outcome = delivering._attempt(endpoint, delivery)
    delivering._record_outcome(endpoint, delivery, outcome, timezone.now())
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.status_code) == (State.PENDING, 5, None)


def test_what_is_written_while_others_are_sent_goes_out_in_the_same_turn(
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


def test_a_turn_ends_when_its_time_is_over(
    endpoint: Endpoint, receiver: Receiver, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "TURN_SECONDS", 0.0)
    for _ in range(3):
        ended(owner)
    assert [delivering.deliver(str(endpoint.pk)) for _ in range(3)] == [True, True, False]
    assert len(receiver.received) == 3


def test_the_history_reaches_back_so_far_and_no_further(
    endpoint: Endpoint, owner: User, settings: Any
) -> None:
    settings.WEBHOOK_HISTORY_DAYS = 30
    ended(owner)
    later(days=31)
    ended(owner)
    outbox.remove_old()
    assert Delivery.objects.count() == 1
    assert Delivery.objects.get().created_at > timezone.now() - timedelta(days=1)


def test_the_database_holds_no_secret_and_a_new_one_replaces_the_old(
    endpoint: Any, receiver: Receiver, owner: User, verify: Any, settings: Any
) -> None:
    old = endpoint.secret
    row = Endpoint.objects.values().get()
    raw = signing._derive(endpoint, settings.SECRET_KEY)
    held = " ".join(str(value) for value in row.values())
    assert old.removeprefix("whsec_") not in held
    assert raw.hex() not in held
    assert old not in held
    new = endpoints.new_secret(endpoint)
    assert new != old
    ended(owner)
    send_due()
    [request] = receiver.received
    assert verify(new, request.headers, request.body)
    assert not verify(old, request.headers, request.body)


def test_a_changed_key_of_the_installation_is_noticed_unless_the_old_one_is_kept(
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


def test_a_user_has_so_many_and_no_more(owner: User) -> None:
    for number in range(endpoints.PER_USER):
        endpoints.register(owner, f"https://example.com/{number}", Event.values)
    with pytest.raises(endpoints.EndpointError) as refused:
        endpoints.register(owner, "https://example.com/", Event.values)
    assert refused.value.code == "webhook_too_many"
    other = User.objects.create_user("other")
    assert endpoints.register(other, "https://example.com/", Event.values)
