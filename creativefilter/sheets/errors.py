"""Errors of tables, errors of single rows, and findings that do not stop an import.

The sentences of ``SheetError`` are in the catalogue of codes (``site/codes/tables.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes import CodedError

# Reasons why a single row can't be used. The other rows of the table can.
ROW_SENTENCES: dict[str, str | Promise] = {
    "row_quote": _("a quotation mark in the line is not closed"),
    "row_many_cells": _("more cells than the heading has"),
    "row_long_cell": _("a cell is longer than 131,072 characters"),
    "row_encoding": _("the line is in another encoding than the file"),
}

FINDING_SENTENCES: dict[str, str | Promise] = {
    "found_encoding": _("Encoding: %(encoding)s."),
    "found_delimiter": _("Columns are separated by: %(delimiter)s."),
    "found_heading": _("The heading is in line %(line)s."),
    "found_titles": _("Lines above the heading that were left out: %(count)s (%(text)s)."),
    "found_sheets": _("Sheets that were read: %(sheets)s."),
    "found_sheets_without_heading": _(
        "Sheets without a column «Advertisement ID», not read: %(sheets)s."
    ),
    "found_sheets_hidden": _("Hidden sheets, not read: %(sheets)s."),
    "found_other_encoding": _(
        "Lines in another encoding (%(encoding)s): %(count)s, the first: %(lines)s."
    ),
    "found_zero_bytes": _("Zero bytes, which no text has: %(count)s. The file may be damaged."),
    "found_headings_again": _("Lines that repeat the heading, left out: %(count)s (%(lines)s)."),
    "found_broken_rows": _("Rows that can't be read: %(count)s, the first: %(lines)s."),
    "found_short_rows": _(
        "Rows with fewer cells than the heading: %(count)s, the first: %(lines)s."
    ),
    "found_ids_changed": _("Advertisement IDs that were normalised: %(count)s (%(examples)s)."),
    "found_segments_merged": _(
        "Rows with the number of a segment that was merged into another one: %(count)s "
        "(%(numbers)s)."
    ),
    "found_unsaved_formulas": _(
        "Cells with a formula whose value was not saved: %(count)s. They count as blank; open the "
        "workbook in Excel and save it."
    ),
}


class SheetError(CodedError):
    """A table can't be used. ``name`` is the file name, "" if it is not known."""

    name = ""

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.name}: {text}" if self.name else text


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark about a table for the person who sent it; ``str`` gives the sentence.

    ``line`` is the row's number in the file (0: the whole file). ``sheet`` is the sheet's name
    ("" for CSV files).
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    sheet: str = ""

    def __str__(self) -> str:
        text = str(FINDING_SENTENCES[self.code]) % self.params
        return f"{self.sheet}: {text}" if self.sheet else text

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code, "params": dict(self.params), "line": self.line, "sheet": self.sheet
        }  # fmt: skip

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Finding:
        """Return the finding that ``as_json`` stored."""
        return cls(**stored)


def row_sentence(code: str) -> str:
    """Return the reason for ``Broken.code``, in the active language."""
    return str(ROW_SENTENCES[code])
