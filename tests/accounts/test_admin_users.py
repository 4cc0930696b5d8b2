"""Admin pages of users: leads assign roles, only superusers give other permissions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from creativefilter.accounts.roles import SENTENCES, Role, assign, role_of

pytestmark = pytest.mark.django_db
PASSWORD = "long-enough-to-pass-8"


def user_with(role: Role, name: str = "") -> User:
    user = User.objects.create_user(name or f"the-{role}")
    assign(user, role)
    return User.objects.get(pk=user.pk)


def client_of(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def lead() -> Client:
    return client_of(user_with(Role.LEAD))


@pytest.fixture
def root() -> Client:
    return client_of(User.objects.create_superuser("root"))


def new_user(**other: str) -> dict[str, Any]:
    return {
        "username": "mary",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "role": "analyst",
        **other,
    }


def change_page(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def test_a_lead_adds_a_user_with_a_role_who_can_log_in(lead: Client) -> None:
    page = lead.get("/admin/auth/user/add/").content.decode()
    for sentence in SENTENCES.values():
        assert str(sentence) in page
    assert lead.post("/admin/auth/user/add/", new_user()).status_code == 302
    mary = User.objects.get(username="mary")
    assert role_of(mary) == Role.ANALYST
    client = Client()
    assert client.login(username="mary", password=PASSWORD)
    assert client.get("/admin/creatives/creative/add/").status_code == 200
    assert client.get("/admin/auth/user/").status_code == 403


def test_a_new_user_needs_a_valid_role(lead: Client) -> None:
    assert lead.post("/admin/auth/user/add/", new_user(role="")).status_code == 200
    assert lead.post("/admin/auth/user/add/", new_user(role="king")).status_code == 200
    assert not User.objects.filter(username="mary").exists()


def test_a_lead_changes_a_role_and_deactivates_a_user(lead: Client) -> None:
    mary = user_with(Role.ANALYST, "mary")
    sent = {"username": "mary", "role": "viewer", "is_active": "on"}
    assert lead.post(change_page(mary), sent).status_code == 302
    mary = User.objects.get(pk=mary.pk)
    assert (role_of(mary), mary.is_staff, mary.is_active) == (Role.VIEWER, True, True)
    assert lead.post(change_page(mary), {"username": "mary", "role": ""}).status_code == 302
    mary = User.objects.get(pk=mary.pk)
    assert (role_of(mary), mary.is_staff, mary.is_active) == (None, False, False)


def test_a_lead_can_neither_create_nor_change_superusers(lead: Client) -> None:
    mary, boss = user_with(Role.ANALYST, "mary"), User.objects.create_superuser("boss")
    everything = [str(key) for key in Permission.objects.values_list("pk", flat=True)]
    sent = {"username": "mary", "role": "lead", "is_active": "on", "is_superuser": "on"}
    lead.post(change_page(mary), {**sent, "user_permissions": everything})
    mary = User.objects.get(pk=mary.pk)
    assert role_of(mary) == Role.LEAD
    assert not mary.is_superuser
    assert not mary.user_permissions.exists()
    assert lead.post(change_page(boss), {"username": "boss", "role": ""}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[boss.pk])
    sent = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert lead.post(password, sent).status_code == 403
    assert User.objects.get(pk=boss.pk).is_superuser


def test_a_superuser_adds_a_user_to_other_groups(root: Client) -> None:
    mary = user_with(Role.VIEWER, "mary")
    group = Group.objects.create(name="press office")
    page = root.get(change_page(mary)).content.decode()
    assert "press office" in page
    sent = {"username": "mary", "role": "viewer", "is_active": "on", "groups": [group.pk]}
    assert root.post(change_page(mary), sent).status_code == 302
    assert {group.name for group in mary.groups.all()} == {"viewer", "press office"}


def test_groups_of_roles_can_not_be_edited(root: Client) -> None:
    page = root.get("/admin/auth/group/").content.decode()
    assert "viewer" not in page
    viewer = Group.objects.get(name=Role.VIEWER)
    assert root.get(f"/admin/auth/group/{viewer.pk}/change/").status_code == 302


def test_permissions_of_a_group_are_shown_in_russian(root: Client) -> None:
    page = root.get("/admin/auth/group/add/", headers={"Accept-Language": "ru"}).content.decode()
    assert "Can add" not in page
    assert "Can view" not in page
