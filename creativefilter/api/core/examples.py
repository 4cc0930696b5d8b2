"""How examples of requests and answers are told to the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

HERE = "https://creatives.example.org/api/v1"
WHEN = "2026-11-02T09:30:00Z"


def asked(name: str, value: Any, media_type: str = "application/json") -> OpenApiExample:
    """A body of a request."""
    return OpenApiExample(name, value=value, request_only=True, media_type=media_type)


def answered(name: str, value: Any, *codes: int) -> OpenApiExample:
    """An answer; of a list one row."""
    return OpenApiExample(
        name, value=value, response_only=True, status_codes=[str(code) for code in codes or (200,)]
    )
