"""Readers of a table's content, in forms that tests can compare."""

from __future__ import annotations

import io
from typing import Any

from creativefilter import sheets
from creativefilter.sheets import Broken


def rows(content: bytes) -> list[tuple[int, Any]]:
    """Return the line numbers with the cells; for broken rows the code instead of the cells."""
    with sheets.opened(io.BytesIO(content)) as document:
        return [
            (line, cells.code if isinstance(cells, Broken) else list(cells))
            for table in document.only().tables
            for line, cells in table.rows()
        ]


def cells(content: bytes) -> list[Any]:
    return [row for _line, row in rows(content)]


def findings(content: bytes) -> dict[str, dict[str, Any]]:
    """Return the parameters of the findings, by code."""
    with sheets.opened(io.BytesIO(content)) as document:
        reading = document.only()
        for table in reading.tables:
            list(table.rows())
        return {finding.code: dict(finding.params) for finding in reading.findings()}


def refusal(content: bytes) -> str:
    """Return the error code of a refused file; "" if the file can be read."""
    try:
        rows(content)
    except sheets.SheetError as error:
        refused = error
    else:
        return ""
    assert str(refused) != refused.code
    assert "%" not in str(refused)
    return refused.code
