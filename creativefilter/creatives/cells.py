"""Cells that a spreadsheet program may open. Needs no library: pages write them, too."""

from __future__ import annotations

import re
from typing import Any

# A cell that begins so is run as a formula by spreadsheet programs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Signs that XML can't carry (openpyxl refuses the whole table for one of them).
_REFUSED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def harmless(value: Any) -> Any:
    """A text cell that no spreadsheet refuses or takes for a formula; anything else as it is."""
    if not isinstance(value, str):
        return value
    value = _REFUSED.sub("", value)
    return f"'{value}" if value.startswith(_FORMULA) else value
