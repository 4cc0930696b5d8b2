"""Codes of tables of every use, and of the rows of tables of Advertisement IDs."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code

# Tables that can't be read. Most sentences say how to save the file instead.
_READING = {
    "table_no_file": Code(400, _("There is no such file, or it can't be opened.")),
    "table_no_rows": Code(400, _("The table has a heading and no rows.")),
    "table_no_column": Code(
        400,
        _(
            "The table has no column «Advertisement ID» in its first 20 rows. Give this name to"
            " the column with the numbers of the advertisements."
        ),
    ),
    "table_missing_column": Code(400, _("The table lacks these columns: %(columns)s.")),
    "table_duplicate_column": Code(
        400,
        _(
            "The table has these columns more than once: %(columns)s. Which one counts is not "
            "clear: rename the others."
        ),
    ),
    "table_unit": Code(
        400,
        _(
            "The heading «%(heading)s» names a unit that is not the rouble. Turn the column into "
            "roubles and rename it."
        ),
    ),
    "table_ambiguous": Code(
        400,
        _(
            "The table can be read in more than one way: %(readings)s. Save it as .xlsx, or as "
            "“CSV UTF-8” with one column «Advertisement ID»."
        ),
    ),
    "table_password": Code(
        400,
        _(
            "The workbook is protected by a password. Open it in Excel, remove the password (File "
            "→ Info → Protect Workbook) and save it again."
        ),
    ),
    "table_archive_password": Code(
        400, _("The archive is protected by a password. Pack the table without one.")
    ),
    "table_damaged": Code(
        400, _("The file is damaged or was not copied completely. Copy it again.")
    ),
    "table_unreadable": Code(
        400,
        _(
            "The workbook can't be read: it is damaged, or its cells are too far apart for this"
            " format. Open it in Excel and save it as .xlsx."
        ),
    ),
    "table_too_large": Code(
        400,
        _(
            "Unpacked, the table is larger than %(limit)s MB, or it is compressed more than any "
            "table can be. Split it, or save it as .csv."
        ),
    ),
    "table_needs_memory": Code(
        400,
        _(
            "Reading the workbook takes more memory or time than is allowed. Open it in Excel and "
            "save it as .xlsx, or split it."
        ),
    ),
    "table_archive": Code(
        400,
        _(
            "The archive must hold exactly one table; it holds %(count)s. Send each table by "
            "itself."
        ),
    ),
    "table_no_workbook": Code(
        400,
        _(
            "This is not a workbook: it is packed like one, but has no sheets. Open it in Excel"
            " and save it as .xlsx."
        ),
    ),
    "table_html": Code(
        400,
        _(
            "This is a web page under the name of a table; some programs export tables this way. "
            "Open it in Excel and save it as .xlsx."
        ),
    ),
    "table_excel_xml": Code(
        400,
        _(
            "This is a table in the XML format of Excel 2003. Open it in Excel and save it as "
            ".xlsx."
        ),
    ),
    "table_pdf": Code(400, _("This is a PDF document. Save the table itself as .xlsx or .csv.")),
    "table_packed": Code(
        400,
        _(
            "Archives of this kind (%(kind)s) are not supported. Unpack the archive and send the "
            "table."
        ),
    ),
    "table_document": Code(
        400, _("This is not a table but %(kind)s. Save the table as .xlsx or .csv.")
    ),
    "table_nul": Code(
        400,
        _(
            "There are zero bytes in the file: it is damaged, or it is not a table. Open it in "
            "Excel and save it as .xlsx or “CSV UTF-8”."
        ),
    ),
    "table_line": Code(
        400,
        _(
            "A line of the file is longer than %(megabytes)s MB: this is not a CSV table. Save the "
            "table as .xlsx or “CSV UTF-8”."
        ),
    ),
}

# Tables into which answers can't be written.
_FILLING = {
    "table_kind": Code(
        400,
        _(
            "Answers are written into .xlsx and .csv only, and this is %(kind)s. Save the table "
            "as .xlsx."
        ),
    ),
    "table_macros": Code(
        400,
        _(
            "A workbook with macros can be read, but answers are not written into it. Save it as "
            ".xlsx."
        ),
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
    "table_deleted": Code(422, _("The table was deleted before it was classified.")),
}

# Outcome of a row in a table of Advertisement IDs.
_ROWS = {
    "ok": Code(None, _("Classified")),
    "unknown": Code(None, _("There is no creative with this Advertisement ID")),
    "blank": Code(None, _("No Advertisement ID in this row")),
    "shortened": Code(
        None,
        _("A spreadsheet program has shortened the Advertisement ID; its digits are lost"),
    ),
    "broken": Code(None, _("The row can't be read: the line is damaged")),
    "not_analysed": Code(None, _("The creative is not analysed yet")),
}

CODES = {**_READING, **_FILLING, **_ROWS}
