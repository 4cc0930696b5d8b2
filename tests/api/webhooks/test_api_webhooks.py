"""REST views of webhooks and their deliveries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from creativefilter.webhooks import delivering, endpoints
from creativefilter.webhooks.models import Delivery, Endpoint, Event
from creativefilter.webhooks.signals import deliveries_due

pytestmark = pytest.mark.django_db
HOOKS = "/api/v1/webhooks"
URL = "https://hooks.example.com/creatives"


@pytest.fixture
def due() -> Iterator[list[str]]:
    """IDs of endpoints for which ``deliveries_due`` was sent."""
    found: list[str] = []

    def note(endpoints: list[str], **_signal: Any) -> None:
        found.extend(endpoints)

    deliveries_due.connect(note)
    yield found
    deliveries_due.disconnect(note)


@pytest.fixture
def other(db: None) -> APIClient:
    """The client of another user with all permissions on webhooks."""
    user = User.objects.create_user("other")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="webhooks"))
    client = APIClient()
    client.force_authenticate(user)
    return client


def create(api: APIClient, **fields: Any) -> Any:
    return api.post(HOOKS, {"url": URL, **fields}, format="json")


def test_the_secret_is_shown_once(api: APIClient, analyst: User) -> None:
    answer = create(api, description="media plan", events=["job.failed", "job.done"])
    assert answer.status_code == 201
    hook = answer.json()
    assert hook["secret"].startswith("whsec_")
    assert "no-store" in answer["Cache-Control"]
    assert (hook["url"], hook["active"], hook["off_reason"]) == (URL, True, None)
    assert hook["events"] == ["job.done", "job.failed"]
    shown = api.get(answer["Location"]).json()
    assert shown == {key: value for key, value in hook.items() if key != "secret"}
    assert api.get(HOOKS).json()["results"] == [shown]
    assert Endpoint.objects.get().owner == analyst
    assert create(api).json()["events"] == Event.values, "a webhook receives all events by default"


@pytest.mark.parametrize(
    ("fields", "name", "code"),
    [
        ({"url": "http://127.0.0.1/"}, "url", "private_address"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "url", "private_address"),
        ({"url": "ftp://example.com/"}, "url", "bad_address"),
        ({"url": "https://a:b@example.com/"}, "url", "address_with_password"),
        ({"url": "https://example.com:25/"}, "url", "port_refused"),
        ({"url": 5}, "url", "invalid"),
        ({"url": None}, "url", "null"),
        ({"url": "https://example.com/\x00"}, "url", "null_characters_not_allowed"),
        ({"events": []}, "events", "empty"),
        ({"events": ["job.started"]}, "events.0", "invalid_choice"),
        ({"events": ["job.done", "job.done"]}, "events", "twice"),
        ({"events": "job.done"}, "events", "not_a_list"),
        ({"active": "yes"}, "active", "invalid"),
        ({"description": "a" * 201}, "description", "max_length"),
        ({"description": True}, "description", "invalid"),
    ],
)
def test_invalid_fields_are_refused(
    api: APIClient, fields: dict[str, Any], name: str, code: str
) -> None:
    answer = create(api, **fields)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert [each["code"] for each in errors[name]] == [code]
    assert not Endpoint.objects.exists()


def test_bodies_that_are_not_json_objects_are_refused(api: APIClient) -> None:
    assert api.post(HOOKS, {"url": URL}, format="multipart").status_code == 415
    assert api.post(HOOKS, "{", content_type="application/json").status_code == 400
    assert api.post(HOOKS, "[]", content_type="application/json").status_code == 400
    assert api.post(HOOKS, {}, format="json").json()["errors"]["url"][0]["code"] == "required"


def test_the_number_of_webhooks_of_a_user_is_limited(api: APIClient, analyst: User) -> None:
    for _ in range(endpoints.PER_USER):
        endpoints.register(analyst, URL, Event.values)
    answer = create(api)
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_too_many")


def test_a_repeated_request_registers_once_and_its_secret_is_not_stored(
    api: APIClient,
) -> None:
    from creativefilter.api.models import IdempotencyKey

    first = api.post(HOOKS, {"url": URL}, format="json", headers={"Idempotency-Key": "one"})
    again = api.post(HOOKS, {"url": URL}, format="json", headers={"Idempotency-Key": "one"})
    assert first.json()["secret"]
    assert again.status_code == 201
    assert again.json() == {**first.json(), "secret": None}
    assert Endpoint.objects.count() == 1
    assert b"whsec_" not in bytes(IdempotencyKey.objects.get().body)


def test_a_webhook_is_changed_switched_off_and_on_and_deleted(
    api: APIClient, due: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    url = create(api)["Location"]
    shown = api.get(url)
    assert api.get(url, headers={"If-None-Match": shown["ETag"]}).status_code == 304
    if_match = {"If-Match": shown["ETag"]}
    with django_capture_on_commit_callbacks(execute=True):
        changed = api.patch(url, {"active": False}, format="json", headers=if_match)
        assert changed.json() == {**shown.json(), "active": False}
        late = api.patch(url, {"active": True}, format="json", headers=if_match)
        assert late.status_code == 412
        assert api.patch(url, {"url": "http://10.0.0.1/"}, format="json").status_code == 400
    assert due == []
    Endpoint.objects.update(off_reason=Endpoint.Off.FAILING, failures=9)
    assert api.get(url).json()["off_reason"]["code"] == "failing"
    with django_capture_on_commit_callbacks(execute=True):
        on = api.patch(url, {"active": True, "url": f"{URL}/2"}, format="json").json()
    assert (on["active"], on["off_reason"], on["failures"]) == (True, None, 0)
    assert due == [on["id"]], "waiting deliveries are sent"
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404


def test_the_secret_is_replaced(api: APIClient) -> None:
    answer = create(api)
    new = api.post(answer["Location"] + "/rotate_secret")
    assert new.status_code == 200
    assert new.json()["secret"].startswith("whsec_")
    assert new.json()["secret"] != answer.json()["secret"]


def test_a_test_event_is_sent_listed_and_sent_again(
    api: APIClient,
    due: list[str],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    url = create(api)["Location"]
    with django_capture_on_commit_callbacks(execute=True):
        sent = api.post(url + "/test")
    assert sent.status_code == 202
    delivery = sent.json()
    assert (delivery["event"], delivery["state"], delivery["attempts"]) == (
        "webhook.test", "pending", 0,
    )  # fmt: skip
    assert json.loads(delivery["body"])["id"] == delivery["id"]
    assert due == [url.rsplit("/", 1)[1]]
    monkeypatch.setattr(
        delivering, "post", lambda *_: delivering.Outcome(503, answer="later, please")
    )
    delivering.deliver(due[0])
    shown = api.get(sent["Location"]).json()
    assert (shown["status_code"], shown["answer"], shown["attempts"]) == (503, "later, please", 1)
    assert shown["next_attempt_at"] > shown["last_attempt_at"]
    assert api.get(url).json()["failures"] == 1
    listed = api.get(url + "/deliveries", {"state": "pending", "event": "webhook.test"}).json()
    assert listed["results"] == [{k: v for k, v in shown.items() if k != "body"}]
    assert api.get(url + "/deliveries", {"state": "failed"}).json()["results"] == []
    assert api.get(url + "/deliveries", {"state": "lost"}).status_code == 400
    monkeypatch.setattr(delivering, "post", lambda *_: delivering.Outcome(None, "tls"))
    again = api.post(sent["Location"] + "/redeliver")
    assert again.status_code == 202
    delivering.deliver(due[0])
    shown = api.get(sent["Location"]).json()
    assert (shown["status_code"], shown["error"]["code"]) == (None, "tls")
    assert "certificate" in shown["error"]["message"]
    api.patch(url, {"active": False}, format="json")
    for path in (url + "/test", sent["Location"] + "/redeliver"):
        refused = api.post(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "webhook_off")
    assert api.get(sent["Location"]).json()["next_attempt_at"] is None


def test_webhooks_are_private_to_their_owner(api: APIClient, other: APIClient) -> None:
    url = create(api)["Location"]
    delivery = api.post(url + "/test")["Location"]
    assert other.get(HOOKS).json()["results"] == []
    for path in (url, url + "/deliveries", delivery):
        assert other.get(path).status_code == 404
    for path in (url + "/test", url + "/rotate_secret", delivery + "/redeliver"):
        assert other.post(path).status_code == 404
    assert other.patch(url, {"active": False}, format="json").status_code == 404
    assert other.delete(url).status_code == 404
    own = other.post(HOOKS, {"url": URL}, format="json")["Location"]
    crossed = delivery.replace(url, own)
    assert other.get(crossed).status_code == 404
    assert other.post(crossed + "/redeliver").status_code == 404
    assert (Endpoint.objects.count(), Delivery.objects.count()) == (2, 1)


def test_webhooks_require_a_login_and_a_permission(
    anonymous: APIClient, stranger: APIClient
) -> None:
    for path in (HOOKS, f"{HOOKS}/7e4f0c52-0c8f-4d55-9a0d-5a6f7b8c9d00"):
        assert anonymous.get(path).status_code == 401
        assert stranger.get(path).status_code == 403
