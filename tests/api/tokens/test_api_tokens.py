"""REST views of access tokens, which are hashed, expire and can be revoked."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone, translation
from knox.models import AuthToken

from creativefilter.accounts import tokens
from creativefilter.accounts.models import TokenDetails
from creativefilter.site.commands import UsageError

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/segments"


def status(client: Any, token: str) -> int:
    return int(client.get(ADDRESS, headers={"Authorization": f"Token {token}"}).status_code)


def test_a_token_is_valid_until_it_expires(anonymous: Any, analyst: Any) -> None:
    row, token = AuthToken.objects.create(user=analyst)
    assert status(anonymous, token) == 200
    assert row.expiry > timezone.now() + timedelta(days=1)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert status(anonymous, token) == 401


def test_deleted_and_altered_tokens_are_refused(anonymous: Any, analyst: Any) -> None:
    row, token = AuthToken.objects.create(user=analyst)
    assert status(anonymous, token[:-1] + ("0" if token[-1] != "0" else "1")) == 401
    row.delete()
    assert status(anonymous, token) == 401


def test_a_dump_of_the_database_holds_no_usable_token(anonymous: Any, analyst: Any) -> None:
    _row, token = AuthToken.objects.create(user=analyst)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM knox_authtoken")
        cells = [str(cell) for row in cursor.fetchall() for cell in row]
    assert cells
    assert not any(token in cell for cell in cells)
    for cell in cells:
        assert status(anonymous, cell) == 401


def test_tokens_of_a_disabled_user_are_refused(anonymous: Any, analyst: Any) -> None:
    _row, token = AuthToken.objects.create(user=analyst)
    analyst.is_active = False
    analyst.save()
    assert status(anonymous, token) == 401


def test_the_command_prints_a_valid_token(anonymous: Any, analyst: Any) -> None:
    out = io.StringIO()
    call_command("create_token", "analyst", stdout=out)
    assert status(anonymous, out.getvalue().strip()) == 200


def test_the_command_refuses_an_unknown_user(db: None) -> None:
    with pytest.raises(CommandError, match="nobody-here"):
        call_command("create_token", "nobody-here")


def test_the_command_refuses_a_name_that_is_too_long(analyst: Any) -> None:
    with translation.override("en"), pytest.raises(UsageError, match="at most 100 characters"):
        call_command("create_token", "analyst", "--name", "x" * 101)
    assert not AuthToken.objects.exists()
    call_command("create_token", "analyst", "--name", "x" * 100, stdout=io.StringIO())


def test_the_value_of_a_new_token_is_shown_once(api: Any, anonymous: Any) -> None:
    made = api.post("/api/v1/tokens", {"name": "media plan", "days": 3}, format="json")
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    value = made.json()["value"]
    assert status(anonymous, value) == 200
    shown = api.get(made["Location"])
    assert shown.json()["name"] == "media plan"
    assert value.startswith(shown.json()["beginning"])
    assert "value" not in shown.json()
    assert value not in api.get("/api/v1/tokens").content.decode()
    lifetime = TokenDetails.objects.get(name="media plan").token.expiry - timezone.now()
    assert timedelta(days=2) < lifetime <= timedelta(days=3)


@pytest.mark.parametrize(
    "wrong", [{}, {"name": ""}, {"name": "x", "days": 0}, {"name": "x", "days": 91}, {"days": 3}]
)
def test_a_token_without_a_name_or_for_too_long_is_refused(api: Any, wrong: Any) -> None:
    before = AuthToken.objects.count()
    assert api.post("/api/v1/tokens", wrong, format="json").status_code == 400
    assert AuthToken.objects.count() == before


def test_a_repeated_request_creates_one_token_and_its_value_is_not_stored(api: Any) -> None:
    def ask() -> Any:
        headers = {"Idempotency-Key": "once"}
        return api.post("/api/v1/tokens", {"name": "x"}, format="json", headers=headers)

    first, second = ask(), ask()
    assert first.json()["value"]
    assert second.json() == {**first.json(), "value": None}
    assert TokenDetails.objects.filter(name="x").count() == 1


def test_a_revoked_token_is_refused(api: Any, anonymous: Any) -> None:
    made = api.post("/api/v1/tokens", {"name": "x"}, format="json")
    assert api.delete(made["Location"]).status_code == 204
    assert status(anonymous, made.json()["value"]) == 401
    assert api.get(made["Location"]).status_code == 404


def test_a_token_can_not_revoke_itself(api: Any, analyst: Any) -> None:
    [own] = TokenDetails.objects.all()
    refused = api.delete(f"/api/v1/tokens/{own.pk}")
    assert refused.status_code == 409
    assert refused.json()["code"] == "token_in_use"
    assert api.get("/api/v1/tokens").status_code == 200


def test_the_time_of_the_last_use_is_recorded(api: Any, analyst: Any) -> None:
    assert TokenDetails.objects.get().last_used_at is None
    api.get(ADDRESS)
    recorded = TokenDetails.objects.get().last_used_at
    assert timezone.now() - recorded < timedelta(minutes=1)
    api.get(ADDRESS)
    assert TokenDetails.objects.get().last_used_at == recorded
    long_ago = timezone.now() - timedelta(hours=1)
    TokenDetails.objects.update(last_used_at=long_ago)
    api.get(ADDRESS)
    assert TokenDetails.objects.get().last_used_at > long_ago


def test_the_number_of_tokens_of_a_user_is_limited(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    assert api.post("/api/v1/tokens", {"name": "x"}, format="json").status_code == 201
    refused = api.post("/api/v1/tokens", {"name": "y"}, format="json")
    assert refused.status_code == 409
    assert refused.json()["code"] == "too_many_tokens"


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token ÿþ", "Bearer x"])
def test_a_malformed_header_is_a_401(anonymous: Any, header: str) -> None:
    assert anonymous.get(ADDRESS, headers={"Authorization": header}).status_code == 401
