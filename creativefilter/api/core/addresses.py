"""Absolute URLs of API views, for responses."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse


def address(serializer: serializers.BaseSerializer[Any], view: str, *arguments: Any) -> str:
    """Return the absolute URL of an API view, at the host of the current request.

    Args:
        serializer: Its context holds the request. Without a request the URL has no host.
        view: URL name, without the namespace ``api:``.
        arguments: Positional arguments of the URL.
    """
    return reverse(f"api:{view}", args=arguments, request=serializer.context.get("request"))
