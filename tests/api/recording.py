"""Record requests and responses as examples of the schema, or compare with the recorded ones."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from django.http import QueryDict

from creativefilter.api.core import recordings

RECORDS = "RECORD_EXAMPLES" in os.environ
ROOT = Path(__file__).resolve().parents[2]
HOST, WHEN = "https://creatives.example.org", "2026-11-02T09:30:00Z"
# Values of fields that would differ from run to run.
FIXED = {
    "value": "4f1d9a0b77c2e35…",
    "beginning": "4f1d9a0b77c2e35",
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD6KHgGqfWPsE=",
    "digest": "1a2b3c4d86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0",
    "metrics": {"macro_f1_grouped": 0.795, "accuracy_grouped": 0.814, "ece_grouped": 0.022},
}
_FIRST_NUMBERS = {
    "creatives": 4711, "media": 5012, "predictions": 9001, "labels": 77, "batches": 5,
    "model_versions": 3, "imports": 8, "tokens": 7,
}  # fmt: skip
# Fields that hold a primary key, and the resource of its row.
_KINDS = {
    "creative": "creatives", "prediction": "predictions", "model_version": "model_versions",
    "batch": "batches", "before": "model_versions",
}  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*(Z|[+-]\d\d:\d\d)?")
_NUMBERED = re.compile(rf"/({'|'.join(_FIRST_NUMBERS)})/(\d+)")
_MODEL = re.compile(r"\b(starter_model|bundle) [0-9a-f]{8}\b")


class Stable:
    """Replaces keys, times, hosts and secrets, which differ from run to run, by stable values.

    ``kind`` is the resource of rows without a URL.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.numbers: dict[tuple[str, int], int] = {}
        self.uuids: dict[str, str] = {}

    def number(self, kind: str, number: int) -> int:
        known = [key for key in self.numbers if key[0] == kind]
        return self.numbers.setdefault((kind, number), _FIRST_NUMBERS[kind] + len(known))

    def uuid(self, match: re.Match[str]) -> str:
        new = f"0197f3c2-6c1e-7d53-9f0a-{len(self.uuids) + 1:012d}"
        return self.uuids.setdefault(match[0], new)

    def text(self, text: str) -> str:
        text = _UUID.sub(self.uuid, text.replace("http://testserver", HOST))
        text = _NUMBERED.sub(lambda m: f"/{m[1]}/{self.number(m[1], int(m[2]))}", text)
        return _MODEL.sub(r"\1 1a2b3c4d", _MOMENT.sub(WHEN, text))

    def whole(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            # The URL tells which resource the key belongs to.
            named = _NUMBERED.search(str(value.get("url") or value.get("sound_url")))
            kind = "media" if name == "media" else named[1] if named else self.kind
            return {key: self.field(key, one, kind) for key, one in value.items()}
        if isinstance(value, list):
            return [self.whole(one, name) for one in value]
        return self.text(value) if isinstance(value, str) else value

    def field(self, name: str, value: Any, kind: str) -> Any:
        if name in FIXED and isinstance(value, (str, dict)) and value:
            return FIXED[name]
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if name == "id" and is_number:
            return self.number(kind, value)
        if name in (*_KINDS, "media") and is_number:
            return self.number(_KINDS.get(name, name), value)
        return self.whole(value, name)


def example(operation: str, response: Any, folder: str | None = None) -> Any:
    """Compare the response with the recorded example, or record it (``make examples``).

    Args:
        operation: The ``operationId``.
        response: The response that a test client returned.
        folder: Folder of ``creativefilter/api`` with the examples; by default that of the view.

    Returns:
        The body of the response.
    """
    view = response.resolver_match.func.view_class if response.resolver_match else None
    package = folder or view.__module__.split(".")[2]
    path = ROOT / "creativefilter/api" / package / recordings.FILE
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    body, status = _body(response), str(response.status_code)
    stable = Stable(package)
    found = {"request": stable.whole(_request(response)), "response": stable.whole(_short(body))}
    if RECORDS:
        known.setdefault(operation, {})[status] = found
        text = json.dumps(dict(sorted(known.items())), ensure_ascii=False, indent=1)
        path.write_text(f"{text}\n", "utf-8")
    assert known.get(operation, {}).get(status) == found, (
        "The answer differs from its example. If this is intended, run make examples."
    )
    return body


def _body(response: Any) -> Any:
    if "json" in response["Content-Type"]:
        return response.json()
    return b"".join(response.streaming_content).decode("utf-8-sig")


def _short(body: Any) -> Any:
    """Return the body with lists of rows shortened to one row."""
    if isinstance(body, list):
        return body[:1]
    if isinstance(body, dict) and "next" in body:
        return {**body, "next": None, "results": body["results"][:1]}
    return body


def _request(response: Any) -> Any:
    """Return the body of the request, a form in the shape of its schema; None without a body."""
    context = getattr(response, "renderer_context", None)
    data = context["request"].data if context else None
    if isinstance(data, QueryDict):
        fields = {name: [_part(one) for one in data.getlist(name)] for name in data}
        return {name: ones if len(ones) > 1 else ones[0] for name, ones in fields.items()} or None
    return data or None


def _part(value: Any) -> Any:
    if hasattr(value, "chunks"):
        return f"(the bytes of {value.name})"
    return {"true": True, "false": False}.get(value, value)
