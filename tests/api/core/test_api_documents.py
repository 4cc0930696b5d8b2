"""The documents list all URLs, error codes and settings, and no others."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rest_framework import exceptions

from creativefilter.api.core import problems
from creativefilter.api.core.schema import EnglishGenerator
from creativefilter.site.codes import CODES

ROOT = Path(__file__).resolve().parents[3]
API = (ROOT / "docs/api.md").read_text()
OPERATING = (ROOT / "docs/operating.md").read_text()
HOST = "http://127.0.0.1:8000"
METHODS = {"get", "post", "put", "patch", "delete"}
# Expressions whose codes are known at run time only; such codes are all in ``site.codes``.
COMPUTED = {"error.code", "code", "exc.code"}


def requests_of(command: str) -> tuple[str, str]:
    """Return the method and path of a curl command."""
    words = shlex.split(command, comments=True)
    [address] = [word for word in words if word.startswith(("$API/", f"{HOST}/"))]
    path = address.replace("$API", "/api/v1").removeprefix(HOST).partition("?")[0]
    if "-X" in words:
        return words[words.index("-X") + 1], path
    sends = {"-d", "-F"} & set(words) and "-G" not in words
    return ("POST" if sends else "GET"), path


def named() -> set[tuple[str, str]]:
    """Return method and path of every request in docs/api.md."""
    commands = re.findall(r"^    \$ (curl .+)$", API, re.M)
    words = re.findall(r"`(GET|POST|PATCH|DELETE)\s+(/[^\s`?]+)", API)
    return {requests_of(command) for command in commands} | set(words)


def operations() -> set[tuple[str, str]]:
    paths = EnglishGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]
    return {
        (method.upper(), path.rstrip("/"))
        for path, item in paths.items()
        for method in METHODS & set(item)
    }


def operation_of(method: str, path: str, known: set[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the operation for a request: if several match, that with the fewest parameters."""
    found = [
        one
        for one in known
        if one[0] == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one[1]), path)
    ]
    return min(found, key=lambda one: one[1].count("{"), default=None)


def test_the_document_names_every_url_and_no_other() -> None:
    known = operations()
    answered = {request: operation_of(*request, known) for request in named()}
    unknown = [" ".join(request) for request, found in answered.items() if found is None]
    assert not unknown, "docs/api.md names requests that the API does not answer"
    missing = sorted(" ".join(one) for one in known - set(answered.values()))
    assert not missing, "docs/api.md lacks these operations"


def calls(path: Path) -> Iterator[tuple[str, list[ast.expr]]]:
    """Yield the name and the positional arguments of every call in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.args


def text(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else f"={ast.unparse(node)}"


def raised() -> set[tuple[int, str]]:
    """Return status and code of every problem that ``api`` and ``site`` raise by a constant."""
    found: set[tuple[Any, str]] = set()
    places = [ROOT / "creativefilter/api", ROOT / "creativefilter/site"]
    for path in (path for place in places for path in place.rglob("*.py")):
        for name, arguments in calls(path):
            if name == "Problem":
                found.add((text(arguments[1]), text(arguments[0])))
            if name == "Conflict":
                found.add((409, text(arguments[1]) if len(arguments) > 1 else "conflict"))
            if name == "answer":
                found.add((text(arguments[1]), text(arguments[2])))
    computed = {code[1:] for _status, code in found if code.startswith("=")}
    assert computed == COMPUTED
    return {(status, code) for status, code in found if not code.startswith("=")}


def of_the_catalogue() -> set[tuple[int, str]]:
    return {(entry.status, code) for code, entry in CODES.items() if entry.status}


def of_the_framework() -> set[tuple[int, str]]:
    kinds = [exceptions.APIException, *exceptions.APIException.__subclasses__()]
    return {
        (kind.status_code, problems._code(str(kind.default_code)))
        for kind in kinds
        if kind.__module__ == exceptions.__name__
    }


def test_the_table_of_problems_has_every_code_and_no_other() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", API, re.M)
    documented = {(int(status), code) for status, code in rows}
    assert len(documented) == len(rows)
    assert documented == raised() | of_the_catalogue() | of_the_framework()


def test_every_setting_is_documented_and_no_other() -> None:
    settings = "".join(path.read_text() for path in (ROOT / "creativefilter/settings").glob("*.py"))
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z0-9_]+)\"", settings))
    assert len(read) > 40
    table = OPERATING.split("## Settings")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, re.M)
    assert set(re.findall(r"`([A-Z0-9_]+)`", "".join(rows))) == read
