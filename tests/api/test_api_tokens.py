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
