"""Helpers of admin views: the logged-in user, kind of request, common context."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest

from creativefilter import __version__

# A ``ModelAdmin`` of the theme, which has no type hints.
Theme = Any


def version(_request: HttpRequest) -> dict[str, str]:
    """Context processor: the version of the application, for the footer of every page."""
    return {"version": __version__}


def person(request: HttpRequest) -> User:
    """Return the logged-in user. Views of the admin refuse anonymous users."""
    return cast(User, request.user)


def number_of(text: str | None) -> int:
    """Parse a primary key or count of a request; return -1, which no row has, for other text."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else -1


def wants_json(request: HttpRequest) -> bool:
    """Whether a script of the page sent the request, not the browser's navigation."""
    return request.headers.get("Accept") == "application/json"


def page_context(theme: Theme, request: HttpRequest, title: str) -> dict[str, Any]:
    """Return the context that every page of the theme needs."""
    return {**theme.admin_site.each_context(request), "title": title, "media": theme.media}
