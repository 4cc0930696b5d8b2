"""Error pages are in the user's language and link back to the admin pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from creativefilter.accounts.roles import Role, assign

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "status"), [("/admin/auth/user/", 403), ("/admin/nowhere/", 404), ("/none", 404)]
)
def test_error_pages_link_back(address: str, status: int) -> None:
    user = User.objects.create_user("mary")
    assign(user, Role.VIEWER)
    client = Client(headers={"Accept-Language": "ru"})
    client.force_login(user)
    answer = client.get(address)
    page = answer.content.decode()
    assert answer.status_code == status
    assert '<html lang="ru">' in page
    assert 'href="/admin/"' in page
    assert "mary" in page


def test_a_form_without_a_csrf_token_gets_an_error_page() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/admin/login/", {"username": "x", "password": "y"})
    assert answer.status_code == 403
    assert 'href="/admin/"' in answer.content.decode()
