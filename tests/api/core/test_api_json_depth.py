"""JSON that is nested too deep is refused with a 400."""

from __future__ import annotations

import json
from typing import Any

import pytest

from creativefilter.api.core.parsers import DEEPEST, is_too_deep

pytestmark = pytest.mark.django_db


def nested(depth: int) -> Any:
    value: Any = []
    for level in range(depth - 1):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("address", ["tokens", "labels", "labels/batches", "webhooks", "predict"])
@pytest.mark.parametrize("depth", [DEEPEST + 1, 1500, 100_000])
def test_json_that_is_nested_too_deep_is_refused(api: Any, address: str, depth: int) -> None:
    body = '{"name": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"
    answer = api.post(f"/api/v1/{address}", body, content_type="application/json")
    if address == "predict":  # accepts no JSON
        assert answer.status_code == 415
        return
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_json_of_the_greatest_depth_is_parsed(api: Any) -> None:
    body = '{"name": ' + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1) + "}"
    answer = api.post("/api/v1/tokens", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_depth_is_counted_in_lists_and_objects_but_not_in_strings() -> None:
    assert not is_too_deep(nested(DEEPEST))
    assert is_too_deep(nested(DEEPEST + 1))
    assert not is_too_deep(json.loads('{"a": [1, {"b": null}], "c": "[[[["}'))
