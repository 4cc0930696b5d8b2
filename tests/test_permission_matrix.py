"""Every role calls every route; ``permission_rules.py`` contains the expected permissions."""

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

from creativefilter.accounts.roles import Role, assign
from tests.permission_rules import PRIVATE, RULES, SHARED, Rule

METHODS = ("get", "post", "put", "patch", "delete")


def routes(resolver: Any, space: str = "", before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Yield name and pattern of every route, including nested URL configurations."""
    for found in resolver.url_patterns:
        place = f"{before}{found.pattern}".replace("//", "/")
        if isinstance(found, URLResolver):
            inner = f"{space}{found.namespace}:" if found.namespace else space
            yield from routes(found, inner, place)
        else:
            yield f"{space}{found.name}" if found.name else place, found


def methods_of(pattern: URLPattern) -> list[str]:
    """Return the methods that a REST view supports; none for other views, which don't list them."""
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


def test_every_rule_has_a_route() -> None:
    assert not [rule for rule in RULES if rule.split(" ", 1)[1] not in ROUTES]


@pytest.fixture
def objects_for(db: None, settings: Any, tmp_path: Path) -> Callable[[User], dict[str, Any]]:
    """Function that creates the objects of a user and returns them with the shared ones."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DERIVED_ROOT = tmp_path / "derived"
    settings.DATA_DIR = tmp_path
    shared = {word: make() for word, make in SHARED.items()}

    def of(user: User) -> dict[str, Any]:
        return shared | {word: make(user) for word, make in PRIVATE.items()}

    return of


def address_of(name: str, rule: Rule, objects: dict[str, Any]) -> str:
    arguments = [objects.get(word, word) for word in rule.arguments.split()]
    if not name.startswith("/"):
        return reverse(name, args=arguments) + rule.query
    place = name.removesuffix("$").replace("<path:object_id>", "(?P<url>.*)")
    return place.replace("(?P<url>.*)", str(arguments[0]) if arguments else "") + rule.query


def answer(client: Client, method: str, address: str, of_another: bool = False) -> int:
    """Send a request and undo its changes; return the status, 401 for a redirect to the login."""
    body = {} if method == "GET" else {"data": "{}", "content_type": "application/json"}
    if method == "POST" and not address.startswith("/api/"):
        body = {}
    cookies = client.cookies.copy()
    with transaction.atomic():
        response = getattr(client, method.lower())(address, **body)
        if response.streaming:
            # Reading the content closes the file.
            list(response.streaming_content)
        transaction.set_rollback(True)
    # Log in again after a request that logged out.
    client.cookies = cookies
    onward = response["Location"] if response.status_code == 302 else ""
    if "/admin/login/" in onward:
        return 401
    # The admin redirects to its index if an object does not exist.
    return 404 if of_another and onward == reverse("admin:index") else int(response.status_code)


def client_of(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    return client


def user_of(role: str, name: str = "") -> User:
    user = User.objects.create_user(name or f"the-{role}")
    assign(user, Role(role))
    return User.objects.get(pk=user.pk)


def is_allowed(status: int, rule: Rule) -> bool:
    return status in rule.also or status not in (401, 403, 404, 405)


@pytest.mark.parametrize("who", ["anonymous", *Role.values])
def test_each_role_may_call_exactly_the_routes_of_its_rules(
    who: str, objects_for: Callable[[User], dict[str, Any]]
) -> None:
    user = None if who == "anonymous" else user_of(who)
    objects = objects_for(user or user_of("analyst"))
    client, wrong = client_of(user), []
    for name, rule in RULES.items():
        method, route = name.split(" ", 1)
        address = address_of(route, rule, objects)
        status = answer(client, method, address)
        right = is_allowed(status, rule) if who in rule.allowed else status in (401, 403)
        if status >= 500 or not right:
            wrong.append(f"{name}: {status}, {who} {'may' if who in rule.allowed else 'may not'}")
    if wrong:
        pytest.fail("\n".join(wrong))


@pytest.mark.parametrize("role", Role.values)
def test_private_objects_are_404_for_another_user_of_the_same_role(
    role: str, objects_for: Callable[[User], dict[str, Any]]
) -> None:
    objects = objects_for(user_of(role))
    client, wrong = client_of(user_of(role, "another")), []
    for name, rule in RULES.items():
        method, route = name.split(" ", 1)
        if rule.private and role in rule.allowed - rule.beyond:
            address = address_of(route, rule, objects)
            status = answer(client, method, address, of_another=True)
            wrong += [f"{name}: {status}"] if status != 404 else []
    if wrong:
        pytest.fail("\n".join(wrong))
