"""Requests and answers about webhooks, as they look."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.utils import OpenApiExample

_WEBHOOK: dict[str, Any] = {
    "id": "0d5f6a3e-6b3f-4c0a-9a53-0f0a1c8b2d11",
    "url": "https://hooks.example.com/creatives",
    "description": "Tells the media plan",
    "events": ["job.done", "job.failed"],
    "active": True,
    "off_reason": None,
    "failures": 0,
    "failing_since": None,
    "created_at": "2026-03-02T09:15:00+03:00",
}
_JOB = "5b0c1d5e-93c5-4e0b-8a55-1f6f3f3b7c21"
_DELIVERY: dict[str, Any] = {
    "id": "7e4f0c52-0c8f-4d55-9a0d-5a6f7b8c9d00",
    "event": "job.done",
    "job": _JOB,
    "state": "pending",
    "attempts": 1,
    "status_code": 503,
    "error": None,
    "answer": "try later",
    "created_at": "2026-03-02T09:20:00+03:00",
    "last_attempt_at": "2026-03-02T09:20:01+03:00",
    "next_attempt_at": "2026-03-02T09:20:11+03:00",
}
_BODY = json.dumps(
    {
        "id": _DELIVERY["id"],
        "event": "job.done",
        "created_at": "2026-03-02T06:20:00+00:00",
        "job": {
            "id": _JOB,
            "kind": "analyse",
            "state": "done",
            "url": f"/api/v1/jobs/{_JOB}",
            "created_at": "2026-03-02T06:19:30+00:00",
            "finished_at": "2026-03-02T06:20:00+00:00",
            "error": None,
        },
    }
)

WEBHOOK = OpenApiExample("A webhook", _WEBHOOK, response_only=True, status_codes=["200"])
NEW = OpenApiExample(
    "Hear of what ended well or badly",
    {key: _WEBHOOK[key] for key in ("url", "events", "description")},
    request_only=True,
)
CHANGE = OpenApiExample("Switch it off", {"active": False}, request_only=True)
SECRET = OpenApiExample(
    "A webhook with its secret",
    {**_WEBHOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD6KHgGqfWPsE="},
    response_only=True,
    status_codes=["200", "201"],
)
DELIVERY = OpenApiExample("A delivery that is tried again", _DELIVERY, response_only=True)
DELIVERY_DETAIL = OpenApiExample(
    "A delivery that is tried again",
    {**_DELIVERY, "body": _BODY},
    response_only=True,
    status_codes=["200", "202"],
)
