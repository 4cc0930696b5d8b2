"""An entry of the catalogue of codes."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Code:
    """The HTTP status under which the API answers a code, and its English sentence.

    ``status`` is None for what is no error: the outcome of a row or of a creative. Placeholders of
    ``sentence`` such as ``%(limit)s`` name its parameters.
    """

    status: int | None
    sentence: str | Promise
