"""An example of each error: told once, and pointed at wherever an operation can end so."""

from __future__ import annotations

from typing import Any

from creativefilter.site.problem_details import PROBLEM_JSON, TITLES

# The code that a status mostly comes with, and its sentence.
_USUAL: dict[int, tuple[str, str]] = {
    400: ("invalid_input", "Some of what was sent is wrong; see `errors`."),
    401: ("not_authenticated", "Authentication credentials were not provided."),
    403: ("permission_denied", "You do not have permission to perform this action."),
    404: ("not_found", "Not found."),
    406: ("not_acceptable", "Could not satisfy the request Accept header."),
    409: ("idempotency_key_in_use", "The first request with this key is still being answered."),
    410: ("export_gone", "The export is no longer kept."),
    412: ("precondition_failed", "Somebody else has changed it. Fetch it again, then decide."),
    413: ("too_large", "What was sent is larger than this server takes."),
    415: ("unsupported_media_type", 'Unsupported media type "text/plain" in request.'),
    422: ("idempotency_key_reused", "Another request was sent with this key already."),
    429: ("throttled", "Request was throttled. Expected available in 21 seconds."),
}
_ERRORS = {"segment_num": [{"code": "invalid_choice", "message": '"6" is not a valid choice.'}]}


def _example(status: int, code: str, detail: str) -> dict[str, Any]:
    value = {
        "type": f"urn:problem-type:creative-filter:{code.replace('_', '-')}",
        "title": str(TITLES.get(status, "Gone")),
        "status": status,
        "detail": detail,
        "code": code,
        "instance": "/api/v1/labels",
    }
    return {"value": {**value, "errors": _ERRORS} if status == 400 else value}


def show_problems(result: dict[str, Any], **_generator: Any) -> dict[str, Any]:
    """A hook: problems of which a view shows none get the example of their status."""
    examples = {code: _example(status, code, text) for status, (code, text) in _USUAL.items()}
    result["components"].setdefault("examples", {}).update(examples)
    for methods in result["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                media = response.get("content", {}).get(PROBLEM_JSON)
                if media is not None and int(status) in _USUAL and "examples" not in media:
                    code = _USUAL[int(status)][0]
                    media["examples"] = {code: {"$ref": f"#/components/examples/{code}"}}
    return result
