"""Tables of advertisements, and what stands beside their rows."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code

CODES = {
    # Tables of advertisements that are to be classified
    "table_empty": Code(400, _("The file is empty.")),
    "table_not_a_table": Code(
        400,
        _("This is no table. An XLSX or CSV file with a column “Advertisement ID” is needed."),
    ),
    "table_no_column": Code(
        400,
        _(
            "There is no column “Advertisement ID” in the first 20 rows of the table. "
            "Name the column with the numbers so."
        ),
    ),
    "table_two_columns": Code(
        400,
        _("There is more than one column “Advertisement ID”. Which one counts is not clear."),
    ),
    "table_old_excel": Code(
        400,
        _(
            "This is the old format of Excel, or a workbook with a password. Save the table as "
            ".xlsx without a password, or as .csv."
        ),
    ),
    "table_macros": Code(400, _("Workbooks with macros are not taken. Save the table as .xlsx.")),
    "table_utf16": Code(400, _("The table is in UTF-16. Save it as “CSV UTF-8”.")),
    "table_damaged": Code(
        400, _("The file is damaged or was not copied to its end. Copy it again.")
    ),
    "table_too_large": Code(
        400,
        _("Unpacked, the table is larger than allowed, or it is packed as tables never are."),
    ),
    "table_too_long": Code(
        400,
        _(
            "An XLSX table may have 50,000 rows and 750,000 cells. Save it as CSV: there the "
            "number of rows is not limited."
        ),
    ),
    "table_too_wide": Code(400, _("There is no room for five more columns in the sheet.")),
    "table_formula_block": Code(
        400,
        _(
            "A column that has to be filled in holds one formula together with other columns. "
            "Rename the column, or replace the formula by its values."
        ),
    ),
    "table_deleted": Code(422, _("The table was deleted before its turn came.")),
    # What stands beside a row of such a table
    "ok": Code(None, _("Classified")),
    "unknown": Code(None, _("There is no creative with this Advertisement ID")),
    "blank": Code(None, _("No Advertisement ID in this row")),
    "shortened": Code(
        None,
        _("A spreadsheet program has shortened the Advertisement ID; its digits are lost"),
    ),
    "not_analysed": Code(None, _("The creative is not analysed yet")),
}
