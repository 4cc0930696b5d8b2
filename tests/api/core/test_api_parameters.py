"""Lists and reports refuse query parameters that the schema does not list."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from creativefilter.api.core.schema import EnglishGenerator

pytestmark = pytest.mark.django_db
UUID = "00000000-0000-0000-0000-000000000000"


def address_of(path: str, operation: dict[str, Any]) -> str:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            value = UUID if parameter["schema"].get("format") == "uuid" else "1"
            path = path.replace(f"{{{parameter['name']}}}", value)
    return path


def is_list(path: str, operation: dict[str, Any]) -> bool:
    content = operation["responses"].get("200", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    is_page = schema.get("$ref", "").rpartition("/")[2].startswith("Paginated")
    return is_page or schema.get("type") == "array" or path.startswith("/api/v1/spend/report")


@pytest.fixture
def lists() -> dict[str, dict[str, Any]]:
    """The GET operations that answer with lists or reports, by address."""
    schema = EnglishGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found = {
        address_of(path, methods["get"]): methods["get"]
        for path, methods in schema["paths"].items()
        if "get" in methods and is_list(path, methods["get"])
    }
    assert len(found) == 19
    return found


@pytest.fixture
def client() -> APIClient:
    client = APIClient()
    client.force_login(User.objects.create_superuser("root"))
    return client


def codes(response: Any) -> dict[str, str]:
    """Return the code of the first error of each field; {} unless the response is a 400."""
    if response.status_code != 400:
        return {}
    return {name: errors[0]["code"] for name, errors in response.json()["errors"].items()}


def test_unknown_parameters_are_refused_by_name(
    client: APIClient, lists: dict[str, dict[str, Any]]
) -> None:
    for address, operation in lists.items():
        refused = client.get(f"{address}?colour=red&page_sizes=3")
        unknown = {"colour": "unknown_field", "page_sizes": "unknown_field"}
        assert codes(refused) == unknown, address
        assert client.head(f"{address}?colour=red").status_code == 400, address
        assert "400" in operation["responses"], address


def test_parameters_of_the_schema_are_known(
    client: APIClient, lists: dict[str, dict[str, Any]]
) -> None:
    for address, operation in lists.items():
        names = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        # "format" is DRF's own parameter.
        for name in names | {"format"}:
            found = codes(client.get(f"{address}?{quote(name)}=json"))
            assert "unknown_field" not in found.values(), (address, name)


def test_parameters_are_not_checked_without_authentication() -> None:
    assert APIClient().get("/api/v1/creatives?colour=red").status_code == 401
