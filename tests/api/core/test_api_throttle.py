"""Rate limits: counted across processes, and not applied while Redis is not available."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from environs import ValidationError
from knox.models import AuthToken
from rest_framework.test import APIClient

from creativefilter.embedded.broker import Broker
from creativefilter.site import shared_counters
from creativefilter.site.rate import Rate, rate

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/segments"


@pytest.fixture
def limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow three requests in ten years, so that the window does not change during a test."""
    settings.API_RATE = settings.API_ANONYMOUS_RATE = Rate(3, 10 * 365 * 86_400)
    monkeypatch.setattr(shared_counters, "_asked_again_at", 0.0)
    caches["rates"].clear()


def through_redis(settings: Any, url: str) -> None:
    settings.CACHES = settings.CACHES | {
        "rates": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
        }
    }


def client_of(user: User) -> APIClient:
    _row, token = AuthToken.objects.create(user=user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}", HTTP_ACCEPT_LANGUAGE="en")
    return client


def statuses(client: APIClient, times: int) -> list[int]:
    return [client.get(ADDRESS).status_code for _time in range(times)]


def test_a_refused_request_says_when_to_retry(limited: None, analyst: User) -> None:
    client = client_of(analyst)
    assert statuses(client, 3) == [200, 200, 200]
    refused = client.get(ADDRESS)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 10 * 365 * 86_400
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "throttled"


def test_all_tokens_of_a_user_share_one_limit(limited: None, analyst: User) -> None:
    assert statuses(client_of(analyst), 2) + statuses(client_of(analyst), 2) == [200] * 3 + [429]
    assert statuses(client_of(User.objects.create_superuser("another")), 1) == [200]


def test_without_a_login_each_address_is_limited(
    limited: None, settings: Any, anonymous: Any
) -> None:
    settings.PREDICT_ANONYMOUS = True
    # X-Forwarded-For is ignored, because no proxy is configured.
    answers = [
        anonymous.post("/predict", {}, headers={"X-Forwarded-For": f"10.0.0.{number}"})
        for number in range(4)
    ]
    assert [one.status_code for one in answers] == [400, 400, 400, 429]
    assert anonymous.post("/predict", {}, REMOTE_ADDR="192.0.2.7").status_code == 400


def test_without_a_rate_there_is_no_limit(limited: None, settings: Any, analyst: User) -> None:
    settings.API_RATE = None
    assert statuses(client_of(analyst), 5) == [200] * 5


def test_processes_share_the_counter(
    limited: None, settings: Any, analyst: User, broker: Broker
) -> None:
    through_redis(settings, broker.url)
    caches["rates"].clear()
    client = client_of(analyst)
    assert statuses(client, 1) == [200]
    # Count two requests of the same user in the same window, as another process would.
    [counter] = list(_redis(broker).scan_iter("*user-*"))
    script = "import sys, redis; redis.Redis.from_url(sys.argv[1]).incrby(sys.argv[2], 2)"
    subprocess.run([sys.executable, "-c", script, broker.url, counter.decode()], check=True)
    assert statuses(client, 1) == [429]


def test_without_redis_all_requests_are_let_through(
    limited: None, settings: Any, analyst: User, caplog: pytest.LogCaptureFixture
) -> None:
    through_redis(settings, "redis://127.0.0.1:1/0")
    assert statuses(client_of(analyst), 5) == [200] * 5
    # Only the first request tried to connect.
    assert caplog.text.count("requests are not counted for now") == 1


def test_only_one_request_waits_for_a_redis_that_hangs(
    limited: None, settings: Any, analyst: User, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    through_redis(settings, broker.url)
    client = client_of(analyst)
    # This pause of 1 s is longer than the socket timeout. It ends by itself.
    _redis(broker).client_pause(1000)
    assert statuses(client, 5) == [200] * 5
    _redis(broker).ping()
    assert caplog.text.count("requests are not counted for now") == 1


def _redis(broker: Broker) -> Any:
    import redis

    return redis.Redis.from_url(broker.url)


def test_malformed_rates_are_refused() -> None:
    assert rate("600/min") == Rate(600, 60)
    assert rate("") is None
    for wrong in ("600", "0/min", "-1/s", "600/week", "many/min", "600 / min"):
        with pytest.raises(ValidationError, match="is no rate"):
            rate(wrong)
