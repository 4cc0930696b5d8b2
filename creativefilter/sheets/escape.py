"""Text that a spreadsheet program may open. Needs no library: pages write such text, too."""

from __future__ import annotations

import re
from typing import Any

# A cell that begins so is run as a formula by spreadsheet programs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Signs that XML can't carry.
_REFUSED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def harmless(value: Any) -> Any:
    """A cell of a CSV file that no spreadsheet takes for a formula; no text stays as it is."""
    if not isinstance(value, str):
        return value
    value = printable(value)
    return f"'{value}" if is_formula(value) else value


def is_formula(text: str) -> bool:
    """Whether a spreadsheet program would run this text; in a cell typed as text it does not."""
    return text.startswith(_FORMULA)


def printable(text: str) -> str:
    """A text without signs that workbooks and databases refuse."""
    return _REFUSED.sub("", text)
