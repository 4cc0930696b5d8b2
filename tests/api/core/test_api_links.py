"""The links of the schema lead somewhere."""

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


def test_a_link_gives_all_that_its_address_needs(schema: dict[str, Any]) -> None:
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
    alone = {name for name in operations if "{" in _path(schema, name)} - reached
    assert alone == set(), "an operation on one thing that nothing leads to"


def _path(schema: dict[str, Any], name: str) -> str:
    return next(
        path
        for path, methods in schema["paths"].items()
        for operation in methods.values()
        if operation["operationId"] == name
    )


def test_a_link_to_an_operation_that_is_gone_is_an_error() -> None:
    with pytest.raises(KeyError):
        add_links({"paths": {}})


def test_the_schema_says_what_a_text_may_be(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    assert (
        parts["NewTokenRequest"]["properties"]["name"]["pattern"]
        != (parts["LabelCreateRequest"]["properties"]["note"]["pattern"])
    )
    choice = parts["LabelCreateRequest"]["allOf"][0]["oneOf"]
    assert choice == [{"required": ["creative"]}, {"required": ["advertisement_id"]}]
    assert parts["SpendFilterRequest"]["additionalProperties"] is False
