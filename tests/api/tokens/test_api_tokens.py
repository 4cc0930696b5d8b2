"""Tokens: hashed, expiring, revocable."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken

from creativefilter.accounts import tokens
from creativefilter.accounts.models import TokenDetails

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/segments"


def status(client: Any, token: str) -> int:
    return int(client.get(ADDRESS, headers={"Authorization": f"Token {token}"}).status_code)


def test_a_token_opens_until_it_expires(anonymous: Any, analyst: Any) -> None:
    row, token = AuthToken.objects.create(user=analyst)
    assert status(anonymous, token) == 200
    assert row.expiry > timezone.now() + timedelta(days=1)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert status(anonymous, token) == 401


def test_a_token_that_was_deleted_or_altered_opens_nothing(anonymous: Any, analyst: Any) -> None:
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


def test_a_disabled_user_has_no_token_any_more(anonymous: Any, analyst: Any) -> None:
    _row, token = AuthToken.objects.create(user=analyst)
    analyst.is_active = False
    analyst.save()
    assert status(anonymous, token) == 401


def test_the_command_prints_a_token_that_works(anonymous: Any, analyst: Any) -> None:
    out = io.StringIO()
    call_command("create_token", "analyst", stdout=out)
    assert status(anonymous, out.getvalue().strip()) == 200


def test_the_command_knows_its_users(db: None) -> None:
    with pytest.raises(CommandError, match="nobody-here"):
        call_command("create_token", "nobody-here")


def test_a_token_is_made_with_its_value_shown_once(api: Any, anonymous: Any) -> None:
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


def test_a_repeated_request_makes_no_second_token_and_keeps_no_value(api: Any) -> None:
    def ask() -> Any:
        headers = {"Idempotency-Key": "once"}
        return api.post("/api/v1/tokens", {"name": "x"}, format="json", headers=headers)

    first, second = ask(), ask()
    assert first.json()["value"]
    assert second.json() == {**first.json(), "value": None}
    assert TokenDetails.objects.filter(name="x").count() == 1


def test_a_revoked_token_opens_nothing(api: Any, anonymous: Any) -> None:
    made = api.post("/api/v1/tokens", {"name": "x"}, format="json")
    assert api.delete(made["Location"]).status_code == 204
    assert status(anonymous, made.json()["value"]) == 401
    assert api.get(made["Location"]).status_code == 404


def test_the_token_that_carries_a_request_is_not_revoked_by_it(api: Any, analyst: Any) -> None:
    [own] = TokenDetails.objects.all()
    refused = api.delete(f"/api/v1/tokens/{own.pk}")
    assert refused.status_code == 409
    assert refused.json()["code"] == "token_in_use"
    assert api.get("/api/v1/tokens").status_code == 200


def test_when_a_token_was_last_used_is_told(api: Any, analyst: Any) -> None:
    assert TokenDetails.objects.get().last_used_at is None
    api.get(ADDRESS)
    noted = TokenDetails.objects.get().last_used_at
    assert timezone.now() - noted < timedelta(minutes=1)
    api.get(ADDRESS)
    assert TokenDetails.objects.get().last_used_at == noted
    long_ago = timezone.now() - timedelta(hours=1)
    TokenDetails.objects.update(last_used_at=long_ago)
    api.get(ADDRESS)
    assert TokenDetails.objects.get().last_used_at > long_ago


def test_nobody_has_more_tokens_than_can_be_looked_through(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    assert api.post("/api/v1/tokens", {"name": "x"}, format="json").status_code == 201
    refused = api.post("/api/v1/tokens", {"name": "y"}, format="json")
    assert refused.status_code == 409
    assert refused.json()["code"] == "too_many_tokens"


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token ÿþ", "Bearer x"])
def test_a_header_that_makes_no_sense_is_no_fault_of_ours(anonymous: Any, header: str) -> None:
    assert anonymous.get(ADDRESS, headers={"Authorization": header}).status_code == 401
