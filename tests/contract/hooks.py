"""Hooks of schemathesis that make some valid requests succeed.

Schemathesis invents values. But a cursor must come from another page, an Idempotency-Key must be
new, and an ETag must be that of the current state. These hooks replace some of the invented values
with ones from the server. Invalid requests stay invalid.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import schemathesis
from schemathesis.transport.serialization import Binary

CURSOR, KEY, MATCH = "cursor", "Idempotency-Key", "If-Match"
_RIGHT_KEY = re.compile(r"[!-~]{1,200}")
# Replacements of some uploads, because random bytes are neither media nor a table.
_FOLDER = Path(__file__).resolve().parents[2] / "demo" / "creatives"
_SOUND = Binary((_FOLDER / "90000037.wav").read_bytes())
_TABLE = Binary(b"Advertisement ID;plan\n90000023;1\n90000037;2\n1;3\n")
_UPLOADS = {
    "predict": _SOUND,
    "reference_predict": _SOUND,
    "predict_table": _TABLE,
    "reference_predict_table": _TABLE,
}
_SEGMENT_FIELDS = {"segment", "label_segment", "predicted_segment", "segment_num"}
_SEGMENTS = 19
_FILTERED = {"creatives", "creative", "jobs", "labels", "predictions", "webhook_deliveries"}
# By operation: a cursor from one of its pages, and the ordering of that page.
_cursors: dict[str, tuple[str, str]] = {}
# By path: the last ETag.
_tags: dict[str, str] = {}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    name = case.operation.definition.raw["operationId"]
    if name in _FILTERED and len(repr(case.query)) % 2:
        case.query = {}  # with random filters the list is empty and has no links to follow
    if case.query and CURSOR in case.query:
        _give_cursor(case)
    # Assigned only if changed: schemathesis examines again whether an assigned part is valid, and
    # takes files and absent bodies for invalid.
    if (query := _with_known_segments(case.query)) != case.query:
        case.query = query
    if (body := _with_known_segments(case.body)) != case.body:
        case.body = body
    headers = case.headers or {}
    key = headers.get(KEY)
    # Leave some keys unchanged, so that a key is sent twice: with the same or another request.
    if isinstance(key, str) and _RIGHT_KEY.fullmatch(key) and len(key) % 4:
        headers[KEY] = f"{key}{uuid4().hex}"
    match = headers.get(MATCH)
    if isinstance(match, str) and len(match) % 3:
        headers[MATCH] = _tags.get(case.formatted_path, "*")


def _with_known_segments(value: Any, name: str = "") -> Any:
    """Replace numbers of segments by those of a new installation; the schema allows others."""
    if isinstance(value, dict):
        return {key: _with_known_segments(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_known_segments(one, name) for one in value]
    if name not in _SEGMENT_FIELDS or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(int(value) % _SEGMENTS) if value.isdecimal() else value
    return int(value) % _SEGMENTS if isinstance(value, int | float) else value


def _give_cursor(case: Any) -> None:
    cursor, order = _cursors.get(case.operation.label, ("", ""))
    if cursor and str(case.query.get("ordering", "")) == order:
        case.query[CURSOR] = cursor
    else:
        del case.query[CURSOR]


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if tag := response.headers.get("etag"):
        _tags[case.formatted_path] = tag[0]
    body = response.content
    if response.status_code != 200 or not body.startswith(b'{"next":"'):
        return
    cursor = parse_qs(urlsplit(response.json()["next"]).query)[CURSOR][0]
    _cursors[case.operation.label] = (cursor, str((case.query or {}).get("ordering", "")))


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    name = context.operation.definition.raw["operationId"]
    if name not in _UPLOADS or not isinstance(body, dict):
        return body
    file = body.get("file")
    if isinstance(file, Binary) and file.data and len(file.data) % 2:
        return {**body, "file": _UPLOADS[name]}
    return body


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Reject objects, which a query string can't hold, and reversed ranges of months."""
    if not query:
        return True
    return not any(isinstance(value, dict) for value in query.values()) and _in_order(query)


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Reject bodies with a reversed range of months."""
    filters = body.get("filters") if isinstance(body, dict) else None
    return not isinstance(filters, dict) or _in_order(filters)


def _in_order(query: dict[str, Any]) -> bool:
    first, last = query.get("from"), query.get("to")
    return not (isinstance(first, str) and isinstance(last, str)) or first <= last
