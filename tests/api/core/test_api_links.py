"""The links of the schema lead to existing operations with all their parameters."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from creativefilter.api.core.links import add_links
from creativefilter.api.core.schema import EnglishGenerator


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    generator: SchemaGenerator = EnglishGenerator()
    return dict(generator.get_schema(request=None, public=True))


def test_links_give_all_path_parameters_and_reach_all_operations(schema: dict[str, Any]) -> None:
    operations = {
        operation["operationId"]: operation
        for methods in schema["paths"].values()
        for operation in methods.values()
    }
    links = [
        link
        for operation in operations.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > 100
    for link in links:
        needed = {
            parameter["name"]
            for parameter in operations[link["operationId"]]["parameters"]
            if parameter["in"] == "path"
        }
        assert set(link["parameters"]) == needed, link
    reached = {link["operationId"] for link in links}
    unreached = {name for name in operations if "{" in _path(schema, name)} - reached
    assert unreached == set(), "operations on one resource that no link leads to"


def _path(schema: dict[str, Any], name: str) -> str:
    return next(
        path
        for path, methods in schema["paths"].items()
        for operation in methods.values()
        if operation["operationId"] == name
    )


def test_a_link_to_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(KeyError):
        add_links({"paths": {}})


def test_the_schema_states_patterns_alternatives_and_unknown_fields(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    assert (
        parts["NewTokenRequest"]["properties"]["name"]["pattern"]
        != (parts["LabelCreateRequest"]["properties"]["note"]["pattern"])
    )
    choice = parts["LabelCreateRequest"]["allOf"][0]["oneOf"]
    assert choice == [{"required": ["creative"]}, {"required": ["advertisement_id"]}]
    assert parts["SpendFilterRequest"]["additionalProperties"] is False
