"""Codes of imports and exports of spend."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code

CODES = {
    "spend_bad_rows": Code(
        400,
        _(
            "Rows that can't be used: %(count)s. You chose to import all rows or none, so nothing "
            "was imported."
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
        409, _("A newer job was started for this file; this one is out of date.")
    ),
    "spend_deleted": Code(422, _("The file was deleted before it was imported.")),
    "spend_export_stopped": Code(422, _("The export was stopped.")),
}
