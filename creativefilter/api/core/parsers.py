"""Parser of JSON bodies."""

from __future__ import annotations

from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import parsers

from creativefilter.api.core.problems import Problem

# Levels of nesting. The bodies of the API need only a few.
DEEPEST = 64


class JSONParser(parsers.JSONParser):
    """DRF's parser, which also refuses bodies that are nested too deep."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        try:
            data = super().parse(stream, *args, **kwargs)
        except RecursionError as error:
            raise _too_deep() from error
        if is_too_deep(data):
            raise _too_deep()
        return data


def is_too_deep(data: Any) -> bool:
    """Return whether lists and objects are nested more than ``DEEPEST`` levels deep."""
    level: list[Any] = [data]
    for _depth in range(DEEPEST):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        if not inner:
            return False
        level = inner
    return any(isinstance(one, dict | list) for one in level)


def _too_deep() -> Problem:
    return Problem("invalid_json", 400, _("The JSON is nested too deep."))
