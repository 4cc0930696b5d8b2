"""Why a table can't be read, what was found in it, and the sentences for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Why a file is refused. Each sentence says how to save the file right.
SENTENCES: dict[str, str | Promise] = {
    "table_no_file": _("There is no such file, or it can't be opened."),
    "table_empty": _("The file is empty."),
    "table_no_rows": _("The table has a heading and no rows."),
    "table_no_column": _(
        "The table has no column «Advertisement ID» in its first 20 rows. Name the column with "
        "the numbers of the advertisements so, and save the table as .xlsx or .csv."
    ),
    "table_missing_column": _("The table lacks these columns: %(columns)s."),
    "table_duplicate_column": _(
        "The table has these columns more than once: %(columns)s. Which one counts is not clear: "
        "rename the others."
    ),
    "table_unit": _(
        "The heading «%(heading)s» names a unit that is not the rouble. Turn the column into "
        "roubles and rename it."
    ),
    "table_ambiguous": _(
        "The table can be read in more than one way: %(readings)s. Save it as .xlsx, or as “CSV "
        "UTF-8” with one column «Advertisement ID»."
    ),
    "table_password": _(
        "The workbook is protected by a password. Open it in Excel, remove the password (File → "
        "Info → Protect Workbook) and save it again."
    ),
    "table_archive_password": _(
        "The archive is protected by a password. Pack the table without one."
    ),
    "table_damaged": _("The file is damaged or was not copied to its end. Copy it again."),
    "table_unreadable": _(
        "The workbook can't be read: it is damaged, or its cells stand too far apart for this "
        "format. Open it in Excel and save it as .xlsx."
    ),
    "table_too_large": _(
        "The file is larger than allowed, or is packed more tightly than tables are: unpacked it "
        "may have %(limit)s MB. Split it, or save it as .csv."
    ),
    "table_archive": _(
        "The archive must hold exactly one table; it holds %(count)s. Send each table by itself."
    ),
    "table_no_workbook": _(
        "This is no workbook: it is packed like one, but has no sheets. Open it in Excel and save "
        "it as .xlsx."
    ),
    "table_html": _(
        "This is a web page under the name of a table; some programs export so. Open it in Excel "
        "and save it as .xlsx."
    ),
    "table_excel_xml": _(
        "This is a table in the XML format of Excel 2003. Open it in Excel and save it as .xlsx."
    ),
    "table_pdf": _("This is a PDF document. Save the table itself as .xlsx or .csv."),
    "table_packed": _(
        "This is an archive of the kind %(kind)s, which is not read. Unpack it and send the table."
    ),
    "table_document": _(
        "This is a file of the kind %(kind)s, not a table. Save the table as .xlsx or .csv."
    ),
    "table_nul": _(
        "There are zero bytes in the file: it is damaged, or it is no table. Open it in Excel and "
        "save it as .xlsx or “CSV UTF-8”."
    ),
    "table_line": _(
        "A line of the file is longer than %(limit)s characters: this is no CSV table. Save the "
        "table as .xlsx or “CSV UTF-8”."
    ),
    # Of tables that are to be filled in.
    "table_kind": _(
        "Answers are written into .xlsx and .csv only; this table is of the kind %(kind)s. Save "
        "it as .xlsx."
    ),
    "table_macros": _(
        "A workbook with macros can be read, but answers are not written into it. Save it as .xlsx."
    ),
    "table_too_long": _(
        "An XLSX table may have 50,000 rows and 750,000 cells. Save it as CSV: there the number "
        "of rows is not limited."
    ),
    "table_too_wide": _("There is no room for five more columns in the sheet."),
    "table_formula_block": _(
        "A column that has to be filled in holds one formula together with other columns. "
        "Rename the column, or replace the formula by its values."
    ),
}

# Why a single row can't be used; the rest of the table can.
ROW_SENTENCES: dict[str, str | Promise] = {
    "row_quote": _("a quotation mark in the line is not closed"),
    "row_many_cells": _("more cells than the heading has"),
    "row_long_cell": _("a cell is longer than 131,072 characters"),
    "row_encoding": _("the line is in another encoding than the file"),
}

FINDING_SENTENCES: dict[str, str | Promise] = {
    "found_encoding": _("Encoding: %(encoding)s."),
    "found_delimiter": _("Columns are separated by: %(delimiter)s."),
    "found_heading": _("The heading stands in line %(line)s."),
    "found_titles": _("Lines above the heading that were left out: %(count)s (%(text)s)."),
    "found_sheets": _("Sheets that were read: %(sheets)s."),
    "found_sheets_without_heading": _(
        "Sheets without a column «Advertisement ID», not read: %(sheets)s."
    ),
    "found_sheets_hidden": _("Hidden sheets, not read: %(sheets)s."),
    "found_other_encoding": _(
        "Lines in another encoding (%(encoding)s): %(count)s, the first: %(lines)s."
    ),
    "found_headings_again": _("Lines that repeat the heading, left out: %(count)s (%(lines)s)."),
    "found_broken_rows": _("Rows that can't be read: %(count)s, the first: %(lines)s."),
    "found_short_rows": _(
        "Rows with fewer cells than the heading: %(count)s, the first: %(lines)s."
    ),
    "found_ids_changed": _(
        "Advertisement IDs that are written otherwise here: %(count)s (%(examples)s)."
    ),
    "found_unsaved_formulas": _(
        "Cells with a formula whose value was not saved: %(count)s. They count as blank; open the "
        "workbook in Excel and save it."
    ),
}


class SheetError(ValueError):
    """A table can't be used. ``str`` gives the sentence in the reader's language."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return sentence(self.code, self.params)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a table that its sender should know; ``str`` gives the sentence.

    ``line`` is the row's number in the file (0: the whole file), ``sheet`` the sheet's name ("" in
    CSV files).
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    sheet: str = ""

    def __str__(self) -> str:
        text = sentence(self.code, self.params)
        return f"{self.sheet}: {text}" if self.sheet else text

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code, "params": dict(self.params), "line": self.line, "sheet": self.sheet
        }  # fmt: skip

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Finding:
        return cls(**stored)


class _Open(dict[str, Any]):
    """Parameters of a sentence; those that were not kept are left open."""

    def __missing__(self, key: str) -> str:
        return "…"


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence for a code, a row's code or a finding's code, in the reader's language."""
    text = SENTENCES.get(code) or ROW_SENTENCES.get(code) or FINDING_SENTENCES.get(code) or code
    return str(text) % _Open(params or {})
