"""What views of the admin ask of a request and put into their context."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest

from creativefilter import __version__

# Pages are drawn by an admin of the theme, of which nothing is known to the type checker.
Theme = Any


def version(_request: HttpRequest) -> dict[str, str]:
    """Context processor: the version of the application, for the foot of every page."""
    return {"version": __version__}


def person(request: HttpRequest) -> User:
    """The user who is logged in: the admin's views let nobody else through."""
    return cast(User, request.user)


def wants_json(request: HttpRequest) -> bool:
    """Whether a script of the page asks, not the browser."""
    return request.headers.get("Accept") == "application/json"


def page_context(theme: Theme, request: HttpRequest, title: str) -> dict[str, Any]:
    """What the theme needs on every page."""
    return {**theme.admin_site.each_context(request), "title": title, "media": theme.media}
