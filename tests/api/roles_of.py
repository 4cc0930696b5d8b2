"""REST clients of users with a role."""

from __future__ import annotations

from django.contrib.auth.models import User
from knox.models import AuthToken
from rest_framework.test import APIClient

from creativefilter.accounts import roles


def client_of(role: roles.Role, name: str = "") -> APIClient:
    """Return a REST client with the token of a new user who has the role."""
    user = User.objects.create_user(name or role.value)
    roles.assign(user, role)
    client = APIClient()
    _row, token = AuthToken.objects.create(user=user)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}", HTTP_ACCEPT_LANGUAGE="en")
    return client
