"""An entry of the catalogue of codes."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Code:
    """HTTP status and English sentence of a code.

    Attributes:
        status: Status of the API's response; None for codes that are no error of a request, such
            as the outcome of a row or of a creative.
        sentence: A sentence for people, with placeholders such as ``%(limit)s``.
    """

    status: int | None
    sentence: str | Promise
