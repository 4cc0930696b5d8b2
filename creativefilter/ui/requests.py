"""Questions that views of the admin ask of a request."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest


def person(request: HttpRequest) -> User:
    """The user who is logged in: the admin's views let nobody else through."""
    return cast(User, request.user)


def wants_json(request: HttpRequest) -> bool:
    """Whether a script of the page asks, not the browser."""
    return request.headers.get("Accept") == "application/json"
