"""Escaping of text that a spreadsheet program may open. Imports no library: pages use this too."""

from __future__ import annotations

import re
from typing import Any

# Spreadsheet programs run a CSV cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Characters that XML 1.0 does not allow.
_REFUSED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def harmless(value: Any) -> Any:
    """Return a CSV cell that no spreadsheet program takes for a formula.

    An apostrophe is put before text that looks like a formula. Values other than text are returned
    unchanged.
    """
    if not isinstance(value, str):
        return value
    value = printable(value)
    return f"'{value}" if is_formula(value) else value


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet program would run this text if the cell is not typed as text."""
    return text.startswith(_FORMULA)


def printable(text: str) -> str:
    """Return the text without characters that workbooks and databases refuse."""
    return _REFUSED.sub("", text)
