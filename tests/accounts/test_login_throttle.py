"""Delays after wrong passwords grow; failures from other addresses start no delay."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from creativefilter.accounts import login_throttle
from creativefilter.accounts.login_form import LoginForm
from creativefilter.accounts.login_throttle import LONGEST_SECONDS, PER_MINUTE, Login, delay
from creativefilter.accounts.models import AuditEntry
from creativefilter.embedded.broker import Broker
from creativefilter.site import shared_counters
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db
PASSWORD = "the right one 8"
ATTACKER, OTHER = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def no_failures_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counters, "_asked_again_at", 0.0)
    caches["rates"].clear()


@pytest.fixture
def clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock: on a slow machine a delay of a second would be over at once."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


def page_after(password: str, address: str = ATTACKER, username: str = "root") -> Any:
    english = {"Accept-Language": "en"}
    client = Client(raise_request_exception=False, headers=english, REMOTE_ADDR=address)
    return client.post("/admin/login/", {"username": username, "password": password})


def logs_in(*args: Any, **kwargs: Any) -> bool:
    return page_after(*args, **kwargs).status_code == 302


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the clock of this process forward, including that of the counters."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


def test_1000_wrong_logins_check_few_passwords_and_do_not_lock_out_the_owner(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    real = User.check_password
    monkeypatch.setattr(User, "check_password", lambda *args: checked.append(1) or real(*args))
    request = RequestFactory(REMOTE_ADDR=ATTACKER).post("/admin/login/")
    # A fake clock: on a slow machine the last delay would end before the next request.
    clock = [time.time()]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    for number in range(1000):
        clock[0] += 0.1
        # Only the form, because rendering the page takes most of the time.
        form = {"username": "root", "password": f"wrong {number}"}
        assert not LoginForm(request, form).is_valid()
    assert len(checked) < 12
    # During the delay the right password is refused, too.
    refused = page_after(PASSWORD)
    assert refused.status_code == 200
    assert re.search(r"Too many wrong passwords\. Wait \d+ seconds?,", refused.content.decode())
    # The owner of the account, at another address, is not delayed.
    assert logs_in(PASSWORD, OTHER)
    later(monkeypatch, LONGEST_SECONDS)
    assert logs_in(PASSWORD)


def test_the_delay_doubles_up_to_15_minutes() -> None:
    own = [delay(failures, failures, failures) for failures in range(1, 16)]
    assert own == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_an_attack_from_many_addresses_makes_delays_longer_but_locks_no_one_out(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        assert not logs_in("wrong", f"198.51.100.{number}")
    # Two mistakes of the owner cause no delay, the third one the longest delay.
    assert not logs_in("mistyped", OTHER)
    assert not logs_in("mistyped", OTHER)
    assert not logs_in("mistyped", OTHER)
    assert not logs_in(PASSWORD, OTHER)
    # A failure from another address does not extend the delay.
    later(monkeypatch, LONGEST_SECONDS / 2)
    assert not logs_in("wrong", ATTACKER)
    later(monkeypatch, LONGEST_SECONDS / 2)
    assert logs_in(PASSWORD, OTHER)


def test_an_address_with_failures_at_many_accounts_has_one_attempt_at_each(root: User) -> None:
    for number in range(40):
        page_after("wrong", username=f"user {number}")
    assert not logs_in("wrong")
    assert not logs_in(PASSWORD)
    assert logs_in(PASSWORD, OTHER)


def test_attempts_from_one_address_are_limited_per_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 60 * (time.time() // 60)
    monkeypatch.setattr(time, "time", lambda: now)
    waits = [login_throttle.begin(Login.of(f"user {n}", ATTACKER)) for n in range(80)]
    assert waits == [0] * PER_MINUTE + [60] * 20
    assert login_throttle.begin(Login.of("user 0", OTHER)) == 0


def test_a_login_resets_the_failures(root: User) -> None:
    for _time in range(20):
        assert not logs_in("mistyped")
        assert not logs_in("mistyped")
        assert logs_in(PASSWORD)


def test_attempts_while_the_database_is_away_are_not_counted(
    root: User, clock_stands_still: None
) -> None:
    def away(execute: Any, sql: str, *rest: Any) -> Any:
        if "auth_user" in sql:
            raise OperationalError("connection refused")
        return execute(sql, *rest)

    with connection.execute_wrapper(away):
        for _attempt in range(5):
            assert page_after(PASSWORD).status_code == 503
    assert logs_in(PASSWORD)
    # Wrong passwords are still counted: the third one starts a delay.
    wrong = [page_after("wrong") for _attempt in range(4)]
    assert "Too many wrong passwords" in wrong[-1].content.decode()


def test_addresses_of_one_ipv6_network_count_as_one(root: User, clock_stands_still: None) -> None:
    for number in range(4):
        page_after("wrong", f"2001:db8::{number:x}")
    assert not logs_in(PASSWORD, "2001:db8::ffff")
    assert logs_in(PASSWORD, "2001:db8:0:1::1")


def test_ipv4_addresses_in_the_form_of_ipv6_count_separately() -> None:
    assert Login.of("root", f"::ffff:{ATTACKER}") == Login.of("root", ATTACKER)
    assert Login.of("root", f"::ffff:{OTHER}") != Login.of("root", ATTACKER)


def test_user_names_are_compared_without_case() -> None:
    assert Login.of("Root", ATTACKER) == Login.of("rOOT", ATTACKER)


def test_the_page_shows_the_delay_in_russian(root: User, clock_stands_still: None) -> None:
    client = Client(headers={"Accept-Language": "ru"}, REMOTE_ADDR=ATTACKER)
    form = {"username": "root", "password": "wrong"}
    pages = [client.post("/admin/login/", form).content.decode() for _time in range(4)]
    assert "Слишком много неверных паролей" in pages[3]


def test_processes_share_the_counters(
    root: User, settings: Any, broker: Broker, clock_stands_still: None
) -> None:
    settings.CACHES = settings.CACHES | {
        "rates": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": broker.url,
            "KEY_PREFIX": "rates",
        }
    }
    caches["rates"].clear()
    program = (
        "import django; django.setup()\n"
        "from creativefilter.accounts import login_throttle as throttle\n"
        f"for _ in range(3): throttle.begin(throttle.Login.of('root', {ATTACKER!r}))"
    )
    environment = os.environ | {"REDIS_URL": broker.url}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=ROOT)
    assert not logs_in(PASSWORD)


def test_logins_work_without_redis(root: User, settings: Any) -> None:
    settings.CACHES = settings.CACHES | {
        "rates": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert logs_in(PASSWORD)


def test_the_password_page_has_the_same_delays(
    root: User, monkeypatch: pytest.MonkeyPatch, clock_stands_still: None
) -> None:
    client = Client(headers={"Accept-Language": "en"}, REMOTE_ADDR=ATTACKER)
    client.force_login(root)

    def change(old: str) -> Any:
        new = "another-long-one-9"
        form = {"old_password": old, "new_password1": new, "new_password2": new}
        return client.post("/admin/password_change/", form)

    for _time in range(3):
        assert "old password was entered incorrectly" in change("wrong").content.decode()
    refused = change(PASSWORD)
    assert "Too many wrong passwords. Wait 1 second" in refused.content.decode()
    assert User.objects.get().check_password(PASSWORD)
    # Both pages use the same counters.
    assert not logs_in(PASSWORD)
    failed = AuditEntry.objects.filter(action="login_failed")
    assert set(failed.values_list("actor_name", "address")) == {("root", ATTACKER)}
    assert failed.count() == 3
    later(monkeypatch, LONGEST_SECONDS)
    assert change(PASSWORD).status_code == 302
    assert not User.objects.get().check_password(PASSWORD)


def test_the_password_page_needs_a_login() -> None:
    answer = Client().get("/admin/password_change/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
