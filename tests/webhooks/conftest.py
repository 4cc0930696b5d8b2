"""Fixtures of the tests of webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from creativefilter.webhooks import endpoints
from creativefilter.webhooks.models import Endpoint, Event
from tests.webhooks.receiving import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def private_allowed(settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = True


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner")


@pytest.fixture
def endpoint(owner: User, receiver: Receiver, private_allowed: None) -> Endpoint:
    """An endpoint at the receiver with all events; ``endpoint.secret`` is its secret."""
    row, secret = endpoints.register(owner, receiver.url, Event.values)
    row.secret = secret  # type: ignore[attr-defined]
    return row


@pytest.fixture
def verify() -> Callable[..., Any]:
    """The function ``verify`` from docs/webhooks.md."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
    code = page.split("```python\n", 1)[1].split("```", 1)[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    return names["verify"]
