"""Request rates as settings write them: ``600/min``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from environs import ValidationError

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"([1-9]\d{0,8})/(s|min|h|d)")


@dataclass(frozen=True, slots=True)
class Rate:
    """Most requests within a number of seconds."""

    requests: int
    seconds: int


def rate(text: str) -> Rate | None:
    """Parse a rate such as ``600/min``; "" gives None, no limit.

    Raises:
        ValidationError: The text is no rate.
    """
    if not text:
        return None
    match = _RATE.fullmatch(text)
    if not match:
        message = f"{text!r} is no rate: a number, a slash, and s, min, h or d, such as 600/min"
        raise ValidationError(message)
    return Rate(int(match[1]), _SECONDS[match[2]])
