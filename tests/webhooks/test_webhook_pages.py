"""The admin pages of webhooks: register, secret, test, history, send again; own rows only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from creativefilter.webhooks import delivering, endpoints, outbox
from creativefilter.webhooks.models import Delivery, Endpoint, Event
from creativefilter.webhooks.signals import deliveries_due
from tests.webhooks.receiving import Receiver

pytestmark = pytest.mark.django_db
LIST = "/admin/webhooks/endpoint/"


@pytest.fixture
def announced() -> Iterator[list[str]]:
    """Endpoints named by the signal ``deliveries_due``."""
    found: list[str] = []

    def note(endpoints: list[str], **_signal: Any) -> None:
        found.extend(endpoints)

    deliveries_due.connect(note)
    yield found
    deliveries_due.disconnect(note)


def client_of(name: str) -> Client:
    user, _new = User.objects.get_or_create(username=name)
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="webhooks"))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def form(url: str, **other: Any) -> dict[str, Any]:
    return {"url": url, "events": Event.values, "active": "on", "description": "", **other}


def test_the_secret_is_shown_once_and_verifies_deliveries(
    owner: User, receiver: Receiver, private_allowed: None, verify: Any
) -> None:
    client = client_of("owner")
    page = client.post(f"{LIST}add/", form(receiver.url, events=[Event.FAILED]))
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    [secret] = re.findall(r"whsec_[A-Za-z0-9+/=]+", page.content.decode())
    endpoint = Endpoint.objects.get()
    assert (endpoint.owner, endpoint.events) == (owner, ["job.failed"])
    change = f"{LIST}{endpoint.pk}/change/"
    assert "whsec_" not in client.get(change).content.decode()
    again = client.post(f"{LIST}{endpoint.pk}/secret/").content.decode()
    [new] = re.findall(r"whsec_[A-Za-z0-9+/=]+", again)
    assert new != secret
    client.post(f"{LIST}{endpoint.pk}/test/")
    delivering.deliver(str(endpoint.pk))
    [request] = receiver.received
    assert verify(new, request.headers, request.body)
    assert not verify(secret, request.headers, request.body)


def test_refused_webhooks_have_a_reason(owner: User) -> None:
    client = client_of("owner")
    page = client.post(f"{LIST}add/", form("http://169.254.169.254/"))
    assert "belongs to an internal network" in page.content.decode()
    assert not Endpoint.objects.exists()
    for number in range(endpoints.PER_USER):
        endpoints.register(owner, f"https://example.com/{number}", Event.values)
    page = client.post(f"{LIST}add/", form("https://example.com/more"))
    assert "as many webhooks as one user may have" in page.content.decode()


def test_the_history_shows_outcomes_and_sends_again(
    endpoint: Endpoint,
    receiver: Receiver,
    announced: list[str],
    django_capture_on_commit_callbacks: Any,
) -> None:
    client = client_of("owner")
    receiver.answers = [503]
    delivery = outbox.send_test(endpoint)
    delivering.deliver(str(endpoint.pk))
    change = f"{LIST}{endpoint.pk}/change/"
    history = f"/admin/webhooks/delivery/?endpoint__id__exact={endpoint.pk}"
    one = f"/admin/webhooks/delivery/{delivery.pk}/change/"
    for page in (change, history, one):
        text = client.get(page).content.decode()
        assert "503" in text, page
        assert "answer 503" in text, page
        assert "Waits to be sent" in text, page
    assert "Failing" in client.get(LIST).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{LIST}{endpoint.pk}/again/{delivery.pk}/")
    assert announced == [str(endpoint.pk)]
    delivering.deliver(str(endpoint.pk))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (Delivery.State.DELIVERED, 2)
    again = reverse("admin:webhooks_delivery_send_again", args=[delivery.pk])
    client.get(again)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.DELIVERED, (
        "the confirmation dialog itself sends nothing"
    )
    assert client.post(again, {"_form_submitted": "on"})["HX-Redirect"]
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.PENDING


def test_switching_on_again_resets_failures(endpoint: Endpoint) -> None:
    Endpoint.objects.update(active=False, off_reason=Endpoint.Off.FAILING, failures=9)
    client = client_of("owner")
    change = f"{LIST}{endpoint.pk}/change/"
    assert "all deliveries failed" in client.get(change).content.decode()
    page = client.post(f"{LIST}{endpoint.pk}/test/", follow=True)
    assert "The webhook is off" in page.content.decode()
    assert client.post(change, form(endpoint.url)).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.off_reason, endpoint.failures) == (True, "", 0)


def test_webhooks_of_other_users_are_hidden_even_from_administrators(
    endpoint: Endpoint, analyst: User
) -> None:
    delivery = outbox.send_test(endpoint)
    root = Client()
    root.force_login(analyst)
    for client in (client_of("other"), root):
        one = f"{LIST}{endpoint.pk}"
        for page in (f"{one}/change/", f"{one}/delete/", f"{one}/history/",
                     f"/admin/webhooks/delivery/{delivery.pk}/change/"):  # fmt: skip
            assert client.get(page).status_code == 404, page
        for page in (f"{one}/change/", f"{one}/test/", f"{one}/secret/", f"{one}/delete/",
                     f"{one}/again/{delivery.pk}/"):  # fmt: skip
            assert client.post(page, form("https://example.com/")).status_code == 404, page
        assert endpoint.url not in client.get(LIST).content.decode()
        listed = client.get("/admin/webhooks/delivery/").content.decode()
        assert str(delivery.pk) not in listed
        assert endpoint.url not in listed
        again = reverse("admin:webhooks_delivery_send_again", args=[delivery.pk])
        assert client.get(again).status_code == 404
        assert client.post(again, {"_form_submitted": "on"}).status_code == 404
    assert Endpoint.objects.get().url == endpoint.url


def test_deleting_a_webhook_deletes_its_deliveries(endpoint: Endpoint) -> None:
    outbox.send_test(endpoint)
    client = client_of("owner")
    page = f"{LIST}{endpoint.pk}/delete/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"post": "yes"}).status_code == 302
    assert not Delivery.objects.exists()
