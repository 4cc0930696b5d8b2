"""Examples of requests and answers, as tests have recorded them (``make examples``).

Beside the views of a resource lies ``examples.json``: by operation and status a request and its
answer. A test fails where the API no longer answers so.
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
    """Return the pairs of a folder of views by operation and status."""
    file = files(package) / FILE
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


def add_examples(operation: dict[str, Any], module: str) -> None:
    """Add what was recorded of an operation to its schema; ``module`` is that of its view."""
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
    """Show the recorded problem of each status wherever an operation can end so (a hook)."""
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
