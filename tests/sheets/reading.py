"""A table's content in a form that can be compared."""

from __future__ import annotations

import io
from typing import Any

from creativefilter import sheets
from creativefilter.sheets import Broken


def rows(content: bytes) -> list[tuple[int, Any]]:
    """Line numbers and cells; the code instead of the cells of a broken row."""
    with sheets.opened(io.BytesIO(content)) as document:
        return [
            (line, cells.code if isinstance(cells, Broken) else list(cells))
            for table in document.only().tables
            for line, cells in table.rows()
        ]


def cells(content: bytes) -> list[Any]:
    return [row for _line, row in rows(content)]


def findings(content: bytes) -> dict[str, dict[str, Any]]:
    """Parameters of what was found, by code."""
    with sheets.opened(io.BytesIO(content)) as document:
        reading = document.only()
        for table in reading.tables:
            list(table.rows())
        return {finding.code: dict(finding.params) for finding in reading.findings()}


def refusal(content: bytes) -> str:
    """The code with which a file is refused; "" if it is read."""
    try:
        rows(content)
    except sheets.SheetError as error:
        refused = error
    else:
        return ""
    assert str(refused) != refused.code
    assert "%" not in str(refused)
    return refused.code
