"""LIKE for SQLite that ignores the case of all letters, as PostgreSQL's ILIKE does."""

from __future__ import annotations

import functools
import re
from typing import Any

from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def replace_like(connection: Any, **_: Any) -> None:
    """Replace SQLite's LIKE, which ignores case for ASCII only: "кредит" misses "Кредит"."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("like", 3, _like, deterministic=True)


def _like(pattern: Any, text: Any, escape: str) -> bool | None:
    if pattern is None or text is None:
        return None
    return _expression(str(pattern), escape).fullmatch(str(text)) is not None


@functools.lru_cache(maxsize=128)
def _expression(pattern: str, escape: str) -> re.Pattern[str]:
    """Translate a LIKE pattern; a character after ``escape`` stands for itself."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(rf"{re.escape(escape)}(.)|(.)", pattern, re.DOTALL)
    expression = "".join(
        re.escape(escaped) if escaped else wild.get(c, re.escape(c)) for escaped, c in parts
    )
    return re.compile(expression, re.IGNORECASE | re.DOTALL)
