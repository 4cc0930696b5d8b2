"""Tables of spend and their import, and exports."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code

CODES = {
    "spend_no_file": Code(400, _("There is no such file, or it can't be opened.")),
    "spend_empty": Code(400, _("The file is empty.")),
    "spend_no_rows": Code(400, _("The table has a heading and no rows.")),
    "spend_not_a_table": Code(
        400,
        _(
            "This is no table of spend. A CSV or XLSX file with the columns Advertisement ID, "
            "Advertiser, Brand, Media Type, Estimated cost RUB, Year and Month is needed, "
            "also as .csv.gz or .zip."
        ),
    ),
    "spend_old_excel": Code(
        400, _("This is the old format of Excel. Save the table as .xlsx or .csv.")
    ),
    "spend_missing_column": Code(400, _("The table lacks these columns: %(columns)s.")),
    "spend_duplicate_column": Code(
        400,
        _(
            "The table has these columns more than once: %(columns)s. Which one counts is not "
            "clear."
        ),
    ),
    "spend_damaged": Code(
        400, _("The file is damaged or was not copied to its end. Copy it again.")
    ),
    "spend_encrypted": Code(400, _("The archive is locked with a password. Save it without one.")),
    "spend_too_large": Code(
        400,
        _(
            "Unpacked, the file would be larger than %(limit)s MB, or it is packed as tightly as "
            "tables never are."
        ),
    ),
    "spend_archive": Code(
        400, _("The archive must hold exactly one CSV file; it holds %(count)s.")
    ),
    "spend_bad_rows": Code(
        400,
        _(
            "Rows that can't be used: %(count)s. All rows or none were asked for, so nothing was "
            "imported."
        ),
    ),
    "spend_no_good_rows": Code(400, _("None of the rows can be used. Bad rows: %(count)s.")),
    "spend_months_exist": Code(
        409,
        _("There is spend already for: %(months)s. Choose whether to add to it or to replace it."),
    ),
    "spend_imported": Code(409, _("This file is imported already.")),
    "spend_busy": Code(409, _("This file is being worked on right now.")),
    "spend_cancelled": Code(422, _("The import was cancelled. Nothing was imported.")),
    "spend_superseded": Code(
        409, _("The file was started anew since; this attempt is out of date.")
    ),
    "spend_deleted": Code(422, _("The file was deleted before its turn came.")),
    "spend_export_stopped": Code(422, _("The export was stopped.")),
}
