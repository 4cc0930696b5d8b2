"""Why a file was not imported: codes for programs, sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy as _

from creativefilter.jobs.messages import MESSAGES

SENTENCES: dict[str, str | Promise] = {
    "spend_no_file": _("There is no such file, or it can't be opened."),
    "spend_empty": _("The file is empty."),
    "spend_no_rows": _("The table has a heading and no rows."),
    "spend_not_a_table": _(
        "This is no table of spend. A CSV or XLSX file with the columns Advertisement ID, "
        "Advertiser, Brand, Media Type, Estimated cost RUB, Year and Month is needed, "
        "also as .csv.gz or .zip."
    ),
    "spend_old_excel": _("This is the old format of Excel. Save the table as .xlsx or .csv."),
    "spend_missing_column": _("The table lacks these columns: %(columns)s."),
    "spend_duplicate_column": _(
        "The table has these columns more than once: %(columns)s. Which one counts is not clear."
    ),
    "spend_damaged": _("The file is damaged or was not copied to its end. Copy it again."),
    "spend_encrypted": _("The archive is locked with a password. Save it without one."),
    "spend_too_large": _(
        "Unpacked, the file would be larger than %(limit)s MB, or it is packed as tightly as "
        "tables never are."
    ),
    "spend_archive": _("The archive must hold exactly one CSV file; it holds %(count)s."),
    "spend_bad_rows": _(
        "Rows that can't be used: %(count)s. All rows or none were asked for, so nothing was "
        "imported."
    ),
    "spend_no_good_rows": _("None of the rows can be used. Bad rows: %(count)s."),
    "spend_months_exist": _(
        "There is spend already for: %(months)s. Choose whether to add to it or to replace it."
    ),
    "spend_imported": _("This file is imported already."),
    "spend_busy": _("This file is being worked on right now."),
    "spend_cancelled": _("The import was cancelled. Nothing was imported."),
    "spend_superseded": _("The file was started anew since; this attempt is out of date."),
    "spend_deleted": _("The file was deleted before its turn came."),
}


class SpendFileError(ValueError):
    """A file can't be imported; nothing of it was. ``str`` gives the sentence for the reader."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return sentence(self.code, self.params)


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence for a code in the reader's language; "" for no code."""
    if code not in SENTENCES:
        return str(MESSAGES.get(code, code))
    # What nobody kept is left open.
    return str(SENTENCES[code]) % _Open(params or {})


# Where a job is shown, nobody knows more of it than its code.
MESSAGES.update({code: lazy(sentence, str)(code) for code in SENTENCES})


class _Open(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
