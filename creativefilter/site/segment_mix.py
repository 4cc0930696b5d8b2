"""Setting ``SEGMENT_MIX``: how often segments occur where the creatives come from."""

from __future__ import annotations

import math

from environs import ValidationError

# Number 6 of the analysts' dictionary repeats number 0 in another letter case.
_ALIASES = {6: 0}


def segment_mix(text: str) -> dict[int, float] | None:
    """Parse shares of segments such as "0:54,1:3,…"; "" gives None.

    Segments that are left out keep their share in the training data. Number 6 is read as 0.

    Returns:
        Share by segment number, in the unit of the text.

    Raises:
        ValidationError: The text is wrong; the message names the reason.
    """
    if not text.strip():
        return None
    try:
        pairs = [pair.split(":") for pair in text.split(",")]
        shares = [(_ALIASES.get(int(n), int(n)), float(share)) for n, share in pairs]
    except ValueError as error:
        raise _error(f'reads like "0:54,1:3", not {text!r}') from error
    mix = dict(shares)
    if len(mix) < len(shares) or min(mix) < 0:
        raise _error("must name a segment once, by its number")
    if not all(math.isfinite(share) and share >= 0 for share in mix.values()):
        raise _error("must hold finite shares, none of them negative")
    if not sum(mix.values()):
        raise _error("must hold a share above 0")
    return mix


def _error(what: str) -> ValidationError:
    return ValidationError(f"it {what}")
