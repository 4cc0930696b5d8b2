"""Tokens and sessions end with a new password or a deactivation; tokens also when revoked."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from creativefilter.accounts import tokens
from creativefilter.accounts.roles import Role, assign

pytestmark = pytest.mark.django_db
OLD, NEW = "long-enough-to-pass-8", "another-long-one-9"


@pytest.fixture
def mary() -> User:
    user = User.objects.create_user("mary", password=OLD)
    assign(user, Role.ANALYST)
    return User.objects.get(pk=user.pk)


def client_of(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def is_valid(token: str) -> bool:
    headers = {"Authorization": f"Token {token}"}
    return Client().get("/api/v1/segments", headers=headers).status_code == 200


def change_own_password(user: User) -> None:
    form = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    assert client_of(user).post("/admin/password_change/", form).status_code == 302


def change_password_by_lead(user: User) -> None:
    lead = User.objects.create_user("lead")
    assign(lead, Role.LEAD)
    address = reverse("admin:auth_user_password_change", args=[user.pk])
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client_of(lead).post(address, form).status_code == 302


def set_unusable_password(user: User) -> None:
    user.set_unusable_password()
    user.save()


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


@pytest.mark.parametrize(
    "end", [change_own_password, change_password_by_lead, set_unusable_password, deactivate]
)
def test_tokens_are_revoked_and_stay_so_when_the_user_is_active_again(
    mary: User, end: Callable[[User], None]
) -> None:
    value = tokens.issue(mary, "plan").value
    other = tokens.issue(User.objects.create_superuser("root"), "plan").value
    assert is_valid(value)
    end(mary)
    assert not is_valid(value)
    assert is_valid(other)
    user = User.objects.get(pk=mary.pk)
    user.is_active = True
    user.save()
    assert not is_valid(value)


@pytest.mark.parametrize(
    "end", [change_own_password, change_password_by_lead, set_unusable_password, deactivate]
)
def test_sessions_end_too(mary: User, end: Callable[[User], None]) -> None:
    elsewhere = client_of(mary)
    assert elsewhere.get("/admin/creatives/creative/").status_code == 200
    end(mary)
    assert elsewhere.get("/admin/creatives/creative/")["Location"].startswith("/admin/login/")
    assert elsewhere.get("/api/v1/segments").status_code == 401


def test_other_changes_of_a_user_do_not_revoke_tokens(mary: User) -> None:
    value = tokens.issue(mary, "plan").value
    mary.first_name = "Mary"
    mary.save()
    assign(mary, Role.VIEWER)
    client = Client()
    assert client.post("/admin/login/", {"username": "mary", "password": OLD}).status_code == 302
    assert is_valid(value)


def test_a_hash_renewed_at_a_login_does_not_revoke_tokens(mary: User, settings: object) -> None:
    value = tokens.issue(mary, "plan").value
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    before = mary.password
    client = Client()
    assert client.post("/admin/login/", {"username": "mary", "password": OLD}).status_code == 302
    assert User.objects.get(pk=mary.pk).password != before
    assert is_valid(value)


def test_the_command_changepassword_revokes_tokens(
    mary: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = tokens.issue(mary, "plan").value
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", "mary", stdout=io.StringIO())
    assert not is_valid(value)


def test_a_user_revokes_all_own_tokens_on_the_page(mary: User) -> None:
    own = [tokens.issue(mary, "plan").value for _number in range(3)]
    other = tokens.issue(User.objects.create_superuser("root"), "plan").value
    client = client_of(mary)
    address = reverse("admin:accounts_tokendetails_revoke_all")
    assert address in client.get("/admin/accounts/tokendetails/").content.decode()
    assert "Revoke all your access tokens?" in client.get(address).content.decode()
    assert all(is_valid(value) for value in own)
    client.post(address, {"_form_submitted": "True"})
    assert not any(is_valid(value) for value in own)
    assert is_valid(other)
    assert (
        "3 access tokens are revoked."
        in client.get("/admin/accounts/tokendetails/").content.decode()
    )


def test_a_lead_revokes_all_tokens_of_a_user(mary: User) -> None:
    values = [tokens.issue(mary, "plan").value for _number in range(2)]
    lead = User.objects.create_user("lead")
    assign(lead, Role.LEAD)
    own_value = tokens.issue(lead, "plan").value
    address = reverse("admin:auth_user_revoke_tokens", args=[mary.pk])
    page = reverse("admin:auth_user_change", args=[mary.pk])
    client = client_of(lead)
    assert address in client.get(page).content.decode()
    assert client_of(mary).post(address, {"_form_submitted": "True"}).status_code == 403
    client.post(address, {"_form_submitted": "True"})
    assert not any(is_valid(value) for value in values)
    assert is_valid(own_value)


def test_a_lead_sees_tokens_of_a_superuser_but_cannot_revoke_them() -> None:
    issued = tokens.issue(User.objects.create_superuser("root"), "plan")
    user = User.objects.create_user("lead")
    assign(user, Role.LEAD)
    lead, root = client_of(user), client_of(issued.details.token.user)
    revoke_all = reverse("admin:auth_user_revoke_tokens", args=[issued.details.token.user_id])
    page = reverse("admin:auth_user_change", args=[issued.details.token.user_id])
    shown = lead.get(page)
    assert shown.status_code == 200
    assert revoke_all not in shown.content.decode()
    assert revoke_all in root.get(page).content.decode()
    tokens_page = "/admin/accounts/tokendetails/"
    assert "root" in lead.get(tokens_page).content.decode()
    selected = {"action": "delete_selected", "_selected_action": [issued.details.pk]}
    for address, data in (
        (revoke_all, {"_form_submitted": "True"}),
        (f"{tokens_page}{issued.details.pk}/delete/", {"post": "yes"}),
        (tokens_page, {**selected, "post": "yes"}),
    ):
        assert lead.post(address, data).status_code == 403
        assert is_valid(issued.value)
    one = f"/api/v1/tokens/{issued.details.pk}"
    assert lead.get(one).json()["owner"] == "root"
    refused = lead.delete(one)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert is_valid(issued.value)
    assert root.delete(one).status_code == 204


def test_a_superuser_revokes_tokens_of_another_superuser() -> None:
    issued = tokens.issue(User.objects.create_superuser("root"), "plan")
    other = client_of(User.objects.create_superuser("boss"))
    address = reverse("admin:auth_user_revoke_tokens", args=[issued.details.token.user_id])
    other.post(address, {"_form_submitted": "True"})
    assert not is_valid(issued.value)


def test_a_program_revokes_all_other_tokens_of_its_user(mary: User) -> None:
    current, *others = [tokens.issue(mary, "plan").value for _number in range(3)]
    root = tokens.issue(User.objects.create_superuser("root"), "plan").value
    headers = {"Authorization": f"Token {current}"}
    assert Client().delete("/api/v1/tokens", headers=headers).status_code == 204
    assert [is_valid(value) for value in (current, *others)] == [True, False, False]
    assert is_valid(root)
    assert AuthToken.objects.filter(user=mary).count() == 1
