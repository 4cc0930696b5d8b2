"""Admin pages of access tokens."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from knox.models import AuthToken

from creativefilter.accounts import tokens
from creativefilter.accounts.models import TokenDetails
from creativefilter.accounts.roles import Role, assign

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/tokendetails/"


def user_with(role: Role, name: str = "") -> User:
    user = User.objects.create_user(name or f"the-{role}")
    assign(user, role)
    return User.objects.get(pk=user.pk)


def client_of(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def test_a_viewer_creates_a_valid_token_that_is_shown_once() -> None:
    client = client_of(user_with(Role.VIEWER))
    answer = client.post(f"{LIST}add/", {"name": "media plan", "days": "5"})
    [value] = re.findall(r"<code data-token>(\w+)</code>", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    bare = Client()
    opened = bare.get("/api/v1/segments", headers={"Authorization": f"Token {value}"})
    assert opened.status_code == 200
    shown = client.get(LIST).content.decode()
    assert "media plan" in shown
    assert value not in shown
    assert value not in str([session.get_decoded() for session in Session.objects.all()])


@pytest.mark.parametrize(
    "wrong", [{}, {"name": "x", "days": "0"}, {"name": "x", "days": "9999"}, {"days": "3"}]
)
def test_an_invalid_form_creates_no_token(wrong: dict[str, str]) -> None:
    client = client_of(user_with(Role.VIEWER))
    assert client.post(f"{LIST}add/", wrong).status_code == 200
    assert not AuthToken.objects.exists()


def test_users_see_and_revoke_their_own_tokens_and_leads_all_tokens() -> None:
    anna, boris = user_with(Role.ANALYST, "anna"), user_with(Role.ANALYST, "boris")
    mine, theirs = tokens.issue(anna, "mine").details, tokens.issue(boris, "theirs").details
    client = client_of(anna)
    assert "theirs" not in client.get(LIST).content.decode()
    assert client.post(f"{LIST}{theirs.pk}/delete/", {"post": "yes"}).status_code == 404
    assert client.post(f"{LIST}{mine.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(AuthToken.objects.all()) == [theirs.token]
    lead = client_of(user_with(Role.LEAD))
    assert "boris" in lead.get(LIST).content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [theirs.pk], "post": "yes"}
    assert lead.post(LIST, chosen).status_code == 302
    assert not AuthToken.objects.exists()
    assert not TokenDetails.objects.exists()
