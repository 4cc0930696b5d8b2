"""Setting ``SEGMENT_MIX``: how often each segment occurs where the creatives come from."""

from __future__ import annotations

import math

from environs import ValidationError

from classifier.segments import NUMBERS


def segment_mix(text: str) -> dict[int, float] | None:
    """Parse shares of all segments such as "0:54,1:3,…"; "" gives None.

    Returns:
        Share by segment number, in the unit of the text.

    Raises:
        ValidationError: The text is wrong; the message names the reason.
    """
    if not text.strip():
        return None
    try:
        pairs = [pair.split(":") for pair in text.split(",")]
        shares = [(int(number), float(share)) for number, share in pairs]
    except ValueError as error:
        raise _error(f'reads like "0:54,1:3", not {text!r}') from error
    mix = dict(shares)
    if len(mix) < len(shares) or set(mix) != set(NUMBERS):
        raise _error(f"must name each of the segments {', '.join(map(str, NUMBERS))} once")
    if not all(math.isfinite(share) and share >= 0 for share in mix.values()):
        raise _error("must hold finite shares, none of them negative")
    if not sum(mix.values()):
        raise _error("must hold a share above 0")
    return mix


def _error(what: str) -> ValidationError:
    return ValidationError(f"it {what}")
