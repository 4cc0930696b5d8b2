"""The OpenAPI schema and its pages, which load no files from other hosts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.renderers import OpenApiJsonRenderer
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from creativefilter.api.core.schema import EnglishGenerator
from tests.conftest import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


class Links(HTMLParser):
    """URLs that a page makes the browser fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe"}:
            self.found += [value for name, value in attrs if name in {"src", "href"} and value]


def test_the_schema_is_valid_and_generated_without_warnings(tmp_path: Path) -> None:
    file = tmp_path / "schema.yaml"
    call_command("spectacular", fail_on_warn=True, validate=True, file=str(file))
    schema = yaml.safe_load(file.read_text())
    assert schema["openapi"].startswith("3.1")
    predict = schema["paths"]["/api/v1/predict"]["post"]
    assert {"200", "202", "400", "401"} <= set(predict["responses"])
    assert list(predict["requestBody"]["content"]) == ["multipart/form-data"]
    wait = {parameter["name"]: parameter for parameter in predict["parameters"]}["wait"]
    assert (wait["schema"]["minimum"], wait["schema"]["maximum"]) == (0, 60)
    reference = next(path for path in schema["paths"] if path.startswith("/predict"))
    assert {"200", "422", "504"} <= set(schema["paths"][reference]["post"]["responses"])


def test_the_schema_is_the_same_in_every_language(client: Any, analyst: Any) -> None:
    client.force_login(analyst)
    russian, english = (
        client.get("/api/v1/schema?format=json", headers={"Accept-Language": language}).content
        for language in ("ru", "en")
    )
    assert russian == english
    components = json.loads(english)["components"]["schemas"]
    fields = [field for one in components.values() for field in one.get("properties", {}).values()]
    assert len(fields) > 100
    assert not [field for field in fields if isinstance(field.get("title"), str)]


def media_of(place: str, item: Any) -> Iterator[tuple[str, Any]]:
    """Yield every body in a part of the schema, with the JSON pointer to the schema of the body."""
    if not isinstance(item, dict):
        return
    for name, value in item.items():
        here = f"{place}/{quote(name.replace('~', '~0').replace('/', '~1'))}"
        if name == "content":
            for kind, media in value.items():
                yield f"{here}/{quote(kind.replace('/', '~1'))}/schema", media
        else:
            yield from media_of(here, value)


def test_every_operation_has_examples_that_are_valid_by_its_schema() -> None:
    made = EnglishGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    whole = json.loads(OpenApiJsonRenderer().render(made))
    registry = Registry().with_resource("urn:api", Resource(whole, DRAFT202012))
    wrong = []
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            place = f"urn:api#/paths/{quote(path.replace('/', '~1'))}/{method}"
            media = list(media_of(place, operation))
            if not any("examples" in one for _pointer, one in media):
                wrong.append(f"{method} {path}: no example")
            for pointer, one in media:
                validator = Draft202012Validator({"$ref": pointer}, registry=registry)
                for shown in one.get("examples", {}).values():
                    if "$ref" in shown:
                        shown = registry.resolver("urn:api").lookup(shown["$ref"]).contents
                    errors = validator.iter_errors(shown["value"])
                    wrong += [f"{method} {path}: {error.message}" for error in errors]
    assert not wrong


def test_the_schemathesis_configuration_names_existing_operations() -> None:
    schema = EnglishGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    existing = {
        operation["operationId"] for path in schema["paths"].values() for operation in path.values()
    }
    rules = tomllib.loads((ROOT / "tests" / "contract" / "schemathesis.toml").read_text("utf-8"))
    named = {name for rule in rules["operations"] for name in rule["include-operation-id"]}
    assert named <= existing


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_pages_need_a_login_and_load_nothing_from_other_hosts(
    client: Any, analyst: Any, page: str
) -> None:
    address = f"/api/v1/{page}"
    onward = client.get(address)
    assert (onward.status_code, onward["Location"]) == (302, f"/admin/login/?next={address}")
    client.force_login(analyst)
    response = client.get(address)
    assert response.status_code == 200
    assert "default-src 'none'" in response["Content-Security-Policy"]
    text = response.content.decode()
    links = Links(text).found
    assert any(link.endswith(".js") for link in links)
    for link in links:
        if not link.startswith("data:"):
            assert link.startswith("/"), link
            assert not link.startswith("//"), link
            assert client.get(link).status_code == 200, link
    for word in ("cdn.", "unpkg", "jsdelivr", "googleapis"):
        assert word not in text
