"""Damaged and generated JSON bodies are accepted or refused, never answered with a 5xx status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from rest_framework.test import APIClient

from creativefilter.creatives.models import Creative
from creativefilter.spend.models import SpendImport
from tests.fuzz.mutations import BYTES, changed
from tests.fuzz.rounds import fuzz

pytestmark = pytest.mark.django_db
FILTER = {
    "state": ["done"], "segment": ["12", "none"], "reviewed": False, "probability_min": 0.5,
    "created_from": "2026-01-01", "search": "карта", "brand": ["X"],
}  # fmt: skip
# Every operation that takes JSON, with a valid body. A test compares the list with the schema.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("patch", "/api/v1/creatives/{id}"): {
        "advertisement_id": "71", "label": {"segment_num": 8, "note": "x"}
    },
    ("post", "/api/v1/creatives/retry_failed"): {
        "error_codes": ["timed_out"], "filter": FILTER, "dry_run": True, "expected": 3
    },
    ("post", "/api/v1/exports"): {
        "kind": "creatives", "format": "csv",
        "filters": {"segment": ["12"], "from": "2026-01", "to": "2026-02", "advertiser": ["A"]},
    },
    ("post", "/api/v1/labels"): {
        "advertisement_id": "7", "creative": 1, "segment_num": 8, "note": ""
    },
    ("post", "/api/v1/labels/batches"): {
        "segment_num": 10, "creatives": [1], "advertisement_ids": ["7"], "filter": FILTER,
        "expected": 1, "note": "x", "dry_run": False,
    },
    ("post", "/api/v1/spend/imports/{id}/start"): {"mode": "add", "strict": True, "dry_run": True},
    ("post", "/api/v1/tokens"): {"name": "plan", "days": 30},
    ("post", "/api/v1/webhooks"): {
        "url": "https://example.com/x", "events": ["job.done"], "active": True
    },
    ("patch", "/api/v1/webhooks/{id}"): {"url": "https://example.com/y", "active": False},
}  # fmt: skip
HARD = st.sampled_from([
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308,
    "", " ", "0", "1e309", "NaN", "null", "\0", "a\0b", "\ud800", "\U0010ffff", "x" * 100_000, "²",
    "٣", "2026-02-30", "0000-00", "99999-01-01", "2026-01-01T00:00:00+99:00", "none", "job.done",
    "http://[::1", "http://127.0.0.1", "https://exa mple", "https://" + "a" * 3000, "../../x",
    [], {}, [[]], [None], [{}], {"": None}, {"segment_num": 1}, ["12"] * 5000, "7\u202e1",
])  # fmt: skip
# The json module writes NaN and Infinity, which are no JSON.
SCALARS = HARD | st.sampled_from([float("nan"), float("inf")]) | st.text(max_size=5) | st.integers()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
RAW = st.sampled_from([
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"[" * 100_000, b'{"a":' * 5000, b"\xff\xfe{}",
    b'{"name":"a","name":"b"}', b"1" * 5000, b"-", b"\xef\xbb\xbf{}", b"{}" * 2, b"Infinity",
    b'{"days": ' + b"9" * 5000 + b"}", b'{"days": 1e99999}', b'{"segment_num": 1E+400}',
])  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if not isinstance(value, dict | list):
        return found
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        found += _places(each, (*path, key))
    return found


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], new)
    return copy


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes]:
    method, path = draw(st.sampled_from(sorted(BODIES)))
    body: Any = BODIES[method, path]
    if draw(st.booleans()):
        body = {name: value for name, value in body.items() if draw(st.integers(0, 3))}
    for _change in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(_places(body)))
        body = _with(body, place, draw(VALUES))
    if isinstance(body, dict) and draw(st.integers(0, 5)) == 0:
        body = {**body, draw(st.text(max_size=5)): draw(VALUES)}
    content = json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    match draw(st.integers(0, 9)):
        case 0:
            content = draw(RAW)
        case 1 | 2:
            content = draw(changed(content, ways=BYTES, most=3))
    return method, path, content


EXAMPLES: SearchStrategy[tuple[str, str, bytes]] = requests()


def test_json(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    user = User.objects.create_superuser("fuzz")
    ids = {
        "creatives": Creative.objects.create(name="7.wav", advertisement_id="7").pk,
        "imports": SpendImport.objects.create(name="spend.csv").pk,
        "webhooks": _endpoint(user),
    }
    client = APIClient()
    client.force_authenticate(user)

    def send(request: tuple[str, str, bytes]) -> None:
        method, path, content = request
        # The resource before "{id}" in the path.
        kind = path.partition("/{id}")[0].rpartition("/")[2]
        with transaction.atomic():
            # The client raises exceptions that the application does not catch.
            answer = getattr(client, method)(
                path.replace("{id}", str(ids.get(kind, ""))),
                content,
                content_type="application/json",
            )
            transaction.set_rollback(True)
        assert answer.status_code < 500, answer.content[:300]
        if answer.status_code >= 400:
            assert answer.json()["code"]

    fuzz(EXAMPLES, send, 200)


def _endpoint(owner: User) -> str:
    from creativefilter.webhooks import endpoints

    return str(endpoints.register(owner, "https://93.184.215.14/x", ["job.done"])[0].pk)


def test_bodies_has_every_operation_that_takes_json(api: Any) -> None:
    schema = api.get("/api/v1/schema", headers={"Accept": "application/json"}).json()
    found = {
        (method, path)
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert found == set(BODIES)
