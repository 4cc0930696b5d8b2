"""Examples of requests and responses for the schema, recorded by tests (``make examples``).

``examples.json`` beside the views of a resource has a request and its response for each operation
and status. ``tests/api/test_api_examples.py`` fails if the API answers differently.
"""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from creativefilter.site.problem_details import PROBLEM_JSON

FILE = "examples.json"
JSON = "application/json"


@cache
def recorded(package: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the recorded requests and responses of a package, by operation and status."""
    file = files(package) / FILE
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


def add_examples(operation: dict[str, Any], module: str) -> None:
    """Add the recorded examples of an operation to its schema.

    Args:
        operation: The OpenAPI operation; changed in place.
        module: Name of the module of the view.
    """
    pairs = recorded(module.rpartition(".")[0]).get(operation["operationId"], {})
    for status, pair in pairs.items():
        name = HTTPStatus(int(status)).phrase
        kind = "text/csv" if isinstance(pair["response"], str) else JSON
        answer = operation["responses"][status]["content"][kind]
        answer.setdefault("examples", {})[name] = {"value": pair["response"]}
        if pair["request"] is not None:
            for body in operation["requestBody"]["content"].values():
                body.setdefault("examples", {})[name] = {"value": pair["request"]}


def add_problems(result: dict[str, Any], **_generator: Any) -> dict[str, Any]:
    """Add the recorded problem of each status to all operations that may answer with it.

    A postprocessing hook of drf-spectacular: it changes the schema ``result`` and returns it.
    """
    pairs = recorded(__package__).get("problem", {})
    problems = {status: pair["response"] for status, pair in pairs.items()}
    examples = result["components"].setdefault("examples", {})
    examples.update({problem["code"]: {"value": problem} for problem in problems.values()})
    for methods in result["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                media = response.get("content", {}).get(PROBLEM_JSON)
                if media is not None and status in problems:
                    code = problems[status]["code"]
                    media["examples"] = {code: {"$ref": f"#/components/examples/{code}"}}
    return result
