"""Why a table could not be answered: codes for programs, sentences for people."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from creativefilter.jobs.messages import MESSAGES
from creativefilter.site.errors import UserError

SENTENCES: dict[str, Promise] = {
    "table_empty": _("The file is empty."),
    "table_not_a_table": _(
        "This is no table. An XLSX or CSV file with a column “Advertisement ID” is needed."
    ),
    "table_no_column": _(
        "There is no column “Advertisement ID” in the first 20 rows of the table. "
        "Name the column with the numbers so."
    ),
    "table_two_columns": _(
        "There is more than one column “Advertisement ID”. Which one counts is not clear."
    ),
    "table_old_excel": _(
        "This is the old format of Excel, or a workbook with a password. Save the table as .xlsx "
        "without a password, or as .csv."
    ),
    "table_macros": _("Workbooks with macros are not taken. Save the table as .xlsx."),
    "table_utf16": _("The table is in UTF-16. Save it as “CSV UTF-8”."),
    "table_damaged": _("The file is damaged or was not copied to its end. Copy it again."),
    "table_too_large": _("The file is larger than allowed, or is packed as tables never are."),
    "table_too_long": _(
        "An XLSX table may have 50,000 rows and 750,000 cells. Save it as CSV: there the number "
        "of rows is not limited."
    ),
    "table_too_wide": _("There is no room for five more columns in the sheet."),
    "table_formula_block": _(
        "A column that has to be filled in holds one formula together with other columns. "
        "Rename the column, or replace the formula by its values."
    ),
    "table_deleted": _("The table was deleted before its turn came."),
}
MESSAGES.update(SENTENCES)


class TableFileError(UserError):
    """A table can't be answered. ``str`` gives the sentence for the reader."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return str(SENTENCES[self.code])
