"""Whole addresses of the API, for answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse


def address(serializer: serializers.BaseSerializer[Any], view: str, *arguments: Any) -> str:
    """Return the whole address of a view of the API, at the host that was asked."""
    return reverse(f"api:{view}", args=arguments, request=serializer.context.get("request"))
