"""Every route there is, asked by everybody there is: the table is ``permission_rules.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.views import APIView

from creativefilter.accounts.roles import Role, give
from tests.permission_rules import PRIVATE, RULES, SHARED, Rule

METHODS = ("get", "post", "put", "patch", "delete")


def routes(resolver: Any, space: str = "", before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Name and pattern of every address, however deep it was included."""
    for found in resolver.url_patterns:
        place = f"{before}{found.pattern}".replace("//", "/")
        if isinstance(found, URLResolver):
            inner = f"{space}{found.namespace}:" if found.namespace else space
            yield from routes(found, inner, place)
        else:
            yield f"{space}{found.name}" if found.name else place, found


def methods_of(pattern: URLPattern) -> list[str]:
    """The methods that a REST view answers; of other views nobody knows."""
    view: Any = getattr(pattern.callback, "cls", None)
    if view is None or not issubclass(view, APIView):
        return []
    actions = getattr(pattern.callback, "actions", None) or {}
    return [one.upper() for one in METHODS if one in actions or hasattr(view, one)]


ROUTES = dict(routes(get_resolver()))


def test_every_route_has_a_rule() -> None:
    named = {rule.split(" ", 1)[1] for rule in RULES}
    missing = []
    for name, pattern in ROUTES.items():
        methods = methods_of(pattern)
        missing += [f"{m} {name}" for m in methods if f"{m} {name}" not in RULES]
        missing += [name] if not methods and name not in named else []
    if missing:
        pytest.fail("without a rule in tests/permission_rules.py:\n" + "\n".join(missing))


def test_no_rule_outlives_its_route() -> None:
    assert not [rule for rule in RULES if rule.split(" ", 1)[1] not in ROUTES]


@pytest.fixture
def things(db: None, settings: Any, tmp_path: Path) -> Callable[[User], dict[str, Any]]:
    """What addresses point at: shared by all, or of one user."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DERIVED_ROOT = tmp_path / "derived"
    settings.DATA_DIR = tmp_path
    shared = {word: make() for word, make in SHARED.items()}

    def of(user: User) -> dict[str, Any]:
        return shared | {word: make(user) for word, make in PRIVATE.items()}

    return of


def address_of(name: str, rule: Rule, things: dict[str, Any]) -> str:
    arguments = [things.get(word, word) for word in rule.arguments.split()]
    if not name.startswith("/"):
        return reverse(name, args=arguments) + rule.query
    place = name.removesuffix("$").replace("<path:object_id>", "(?P<url>.*)")
    return place.replace("(?P<url>.*)", str(arguments[0]) if arguments else "") + rule.query


def answer(client: Client, method: str, address: str, of_another: bool = False) -> int:
    """The status code; 401 for being led to the login page. What the request changed is undone."""
    body = {} if method == "GET" else {"data": "{}", "content_type": "application/json"}
    if method == "POST" and not address.startswith("/api/"):
        body = {}
    cookies = client.cookies.copy()
    with transaction.atomic():
        response = getattr(client, method.lower())(address, **body)
        if response.streaming:
            # Files are closed once they are read.
            list(response.streaming_content)
        transaction.set_rollback(True)
    # Whoever logged out is logged in again.
    client.cookies = cookies
    onward = response["Location"] if response.status_code == 302 else ""
    if "/admin/login/" in onward:
        return 401
    # Django's pages of a row that is not there lead to the start page.
    return 404 if of_another and onward == reverse("admin:index") else int(response.status_code)


def client_of(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    return client


def user_of(role: str, name: str = "") -> User:
    user = User.objects.create_user(name or f"the-{role}")
    give(user, Role(role))
    return User.objects.get(pk=user.pk)


def is_let_in(status: int, rule: Rule) -> bool:
    return status in rule.also or status not in (401, 403, 404, 405)


@pytest.mark.parametrize("who", ["anonymous", *Role.values])
def test_each_role_may_what_the_table_says(
    who: str, things: Callable[[User], dict[str, Any]]
) -> None:
    user = None if who == "anonymous" else user_of(who)
    pointed_at = things(user or user_of("analyst"))
    client, wrong = client_of(user), []
    for name, rule in RULES.items():
        method, route = name.split(" ", 1)
        address = address_of(route, rule, pointed_at)
        status = answer(client, method, address)
        right = is_let_in(status, rule) if who in rule.allowed else status in (401, 403)
        if status >= 500 or not right:
            wrong.append(f"{name}: {status}, {who} {'may' if who in rule.allowed else 'may not'}")
    if wrong:
        pytest.fail("\n".join(wrong))


@pytest.mark.parametrize("role", Role.values)
def test_what_is_private_is_not_there_for_another_of_the_same_role(
    role: str, things: Callable[[User], dict[str, Any]]
) -> None:
    theirs = things(user_of(role))
    client, wrong = client_of(user_of(role, "another")), []
    for name, rule in RULES.items():
        method, route = name.split(" ", 1)
        if rule.private and role in rule.allowed - rule.beyond:
            address = address_of(route, rule, theirs)
            status = answer(client, method, address, of_another=True)
            wrong += [f"{name}: {status}"] if status != 404 else []
    if wrong:
        pytest.fail("\n".join(wrong))
