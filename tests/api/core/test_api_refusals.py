"""Refused requests count towards the rate limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.urls import URLResolver, get_resolver
from knox.models import AuthToken
from rest_framework.test import APIClient
from rest_framework.views import APIView

from creativefilter.accounts.roles import Role, assign
from creativefilter.api.core.generics import CountedFirst
from creativefilter.api.core.throttles import PerUser
from creativefilter.site import shared_counters
from creativefilter.site.rate import Rate

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/segments"
# Seconds of a window that does not change while a test runs.
YEARS = 10 * 365 * 86_400


@pytest.fixture(autouse=True)
def limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_RATE, settings.API_ANONYMOUS_RATE = Rate(600, YEARS), Rate(60, YEARS)
    monkeypatch.setattr(shared_counters, "_asked_again_at", 0.0)
    caches["rates"].clear()


def statuses(client: APIClient, times: int, address: str = ADDRESS) -> list[int]:
    return [client.get(address).status_code for _time in range(times)]


def test_requests_without_a_login_are_limited() -> None:
    assert statuses(APIClient(), 200) == [401] * 60 + [429] * 140


def test_requests_with_bad_tokens_are_limited() -> None:
    client = APIClient()
    answers = [
        client.get(ADDRESS, headers={"Authorization": f"Token {number:064x}"}).status_code
        for number in range(200)
    ]
    assert answers == [401] * 60 + [429] * 140


def test_forbidden_requests_are_limited(settings: Any) -> None:
    settings.API_RATE = Rate(30, YEARS)
    user = User.objects.create_user("without a role")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user=user)[1]}")
    assert statuses(client, 100, "/api/v1/creatives") == [403] * 30 + [429] * 70


def test_posts_without_a_csrf_token_are_limited(settings: Any) -> None:
    settings.API_ANONYMOUS_RATE = Rate(2, YEARS)
    client = APIClient(enforce_csrf_checks=True)
    user = User.objects.create_user("analyst")
    assign(user, Role.ANALYST)
    client.force_login(user)
    answers = [client.post("/api/v1/tokens", {"name": "x"}, format="json") for _ in range(3)]
    assert [one.status_code for one in answers] == [403, 403, 429]


def test_a_request_is_counted_once(settings: Any, analyst: User) -> None:
    """The schema checks the permissions of every view, which must not count as requests."""
    settings.API_RATE = Rate(1, YEARS)
    client = APIClient()
    client.force_login(analyst)
    assert statuses(client, 2, "/api/v1/schema") == [200, 429]


def views(resolver: Any) -> Iterator[Any]:
    for found in resolver.url_patterns:
        if isinstance(found, URLResolver):
            yield from views(found)
        else:
            yield getattr(found.callback, "cls", None)


def test_every_view_checks_throttles_before_permissions() -> None:
    rest = {view for view in views(get_resolver()) if view and issubclass(view, APIView)}
    assert len(rest) > 40
    wrong = [
        view
        for view in rest
        if view.perform_authentication is not CountedFirst.perform_authentication
        or view.check_throttles is not CountedFirst.check_throttles
        or view.throttle_classes != [PerUser]
    ]
    assert wrong == []
