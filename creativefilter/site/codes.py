"""The catalogue of codes: why something was refused, failed, or has no result.

A code is stored with jobs, creatives and imports and is part of the API, so none is renamed.
Each stands here once, with its English sentence (the Russian one is in the message catalogue) and
the HTTP status under which the API answers it. Programs decide by the code, people read the
sentence. Placeholders such as ``%(limit)s`` name the parameters of a sentence.

Codes of the protocol itself (``not_authenticated``, ``invalid_input`` …) belong to ``api``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy


@dataclass(frozen=True, slots=True)
class Code:
    """``status`` is None for what is no error: the outcome of a row or a creative."""

    status: int | None
    sentence: Promise


class CodedError(ValueError):
    """A request that can't be carried out, for a reason of the catalogue.

    ``str`` gives the sentence in the language of the reader.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return sentence(self.code, self.params)

    @property
    def status(self) -> int:
        return status_of(self.code)


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code in the language of the reader; a code that is unknown as it is.

    Parameters that are not given are shown as "…": of an old job only the code may be kept.
    """
    if code not in CODES:
        return code
    return str(CODES[code].sentence % _Parameters(params or {}))


def status_of(code: str) -> int:
    """The HTTP status of a code; 500 for one that is no error or is unknown."""
    entry = CODES.get(code)
    return entry.status or 500 if entry else 500


class _Parameters(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


CODES: dict[str, Code] = {
    # Uploads, whatever they hold (``site.uploads``)
    "empty": Code(400, _("The file is empty. Check it and send it again.")),
    "too_large": Code(413, _("The file is larger than %(limit)s MB.")),
    "unreadable": Code(
        400,
        _(
            "The file can't be read: no permission, it is a folder, or the disk is unavailable. "
            "Check the access to it."
        ),
    ),
    # Archives of creatives
    "bad_archive": Code(
        400, _("The archive is damaged, or no zip archive. Pack and send it again.")
    ),
    "archive_empty": Code(400, _("There are no files in the archive.")),
    "archive_too_many_files": Code(400, _("There are more than %(limit)s files in the archive.")),
    "bad_id_table": Code(400, _("The table of Advertisement IDs can't be used: %(why)s")),
    "archive_locked": Code(400, _("The file is locked by a password.")),
    "archive_member_damaged": Code(400, _("The file is damaged within the archive.")),
    "archive_gone": Code(422, _("The archive is not there any more. Send it again.")),
    "no_folder": Code(500, _("No folder is watched any more.")),
    "stopped": Code(422, _("It was stopped. What had been taken in by then stays.")),
    # Media that can't be decoded (``classifier.errors``)
    "not_found": Code(
        422, _("File not found: it was moved or deleted. Upload the creative again.")
    ),
    "not_media": Code(
        422,
        _(
            "This is neither audio nor video, whatever its extension says. "
            "Upload the creative itself (wav, mp4, avi, flv, webm, ogg)."
        ),
    ),
    "no_streams": Code(
        422,
        _("The file has neither a sound track nor a video track. Export the creative again."),
    ),
    "unsupported_codec": Code(
        422,
        _(
            "The creative is compressed with an unknown codec. "
            "Convert it, for example to mp4 (H.264 and AAC)."
        ),
    ),
    "damaged": Code(
        422,
        _(
            "The file is damaged: neither sound nor a single picture could be read. "
            "Download the creative from its source again."
        ),
    ),
    "too_long": Code(
        422,
        _("The creative is longer than allowed. Cut out the part you need and upload that."),
    ),
    "picture_too_large": Code(
        422,
        _(
            "The picture is larger than allowed. Lower the resolution of the video, for example "
            "to 1920×1080, and upload the creative again."
        ),
    ),
    "output_too_large": Code(
        422,
        _(
            "The file holds more sound or pictures than may be kept. "
            "Cut out the part you need and upload that."
        ),
    ),
    "memory_limit": Code(
        422,
        _(
            "Reading the file needed too much memory: it is too large or damaged. "
            "Convert the creative to a lower resolution or download it again."
        ),
    ),
    # Creatives and their analysis
    "no_speech": Code(
        None, _("Nobody speaks in this creative and no words were read on its screen.")
    ),
    "no_screen_reader": Code(
        None,
        _(
            "The words on the screen were not read: the text reader (Tesseract with its Russian "
            "data) is missing or does not work. Tell the administrator and analyse it again "
            "afterwards."
        ),
    ),
    "no_chromaprint": Code(
        None,
        _(
            "Near duplicates are looked for by their pictures alone: the library that compares "
            "sounds (chromaprint) is missing. Tell the administrator."
        ),
    ),
    "no_weights": Code(
        500,
        _(
            "Speech recognition could not be started. The file is kept; tell the administrator "
            "and analyse it again afterwards."
        ),
    ),
    "no_model": Code(
        500,
        _(
            "The model's files are damaged or belong to another version of the program. The file "
            "and what was heard and read in it are kept; tell the administrator and analyse it "
            "again afterwards."
        ),
    ),
    "deleted": Code(422, _("The creative was deleted before its turn came.")),
    "not_analysable": Code(409, _("It is being analysed right now.")),
    "nothing_to_analyse": Code(409, _("There is no file to analyse.")),
    # Any job
    "worker_lost": Code(
        500,
        _(
            "The program that worked on it was stopped three times in the middle. "
            "Try again; if it happens again, tell the administrator the number of the job."
        ),
    ),
    "timed_out": Code(
        500,
        _(
            "It took longer than allowed and was stopped. Try again when the machine is less "
            "busy; if it is a creative and happens again, convert it to mp4."
        ),
    ),
    "database_busy": Code(503, _("The database did not answer in time. Try again.")),
    "storage_away": Code(
        503,
        _(
            "The storage of the files did not answer. Try again; if it happens again, tell the "
            "administrator."
        ),
    ),
    "cancelled": Code(422, _("It was cancelled before it had ended.")),
    "internal": Code(
        500,
        _(
            "Something in the program itself went wrong. "
            "Nothing is lost; tell the administrator the number of the job."
        ),
    ),
    "too_many_open_jobs": Code(
        429,
        ngettext_lazy(
            "You have %(count)d job that has not ended, and more are not allowed at a time. "
            "Wait until it has.",
            "You have %(count)d jobs that have not ended, and more are not allowed at a time. "
            "Wait until some have.",
            "count",
        ),
    ),
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
    # Tables of spend
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
    # Webhooks: addresses that are refused, calls that failed
    "bad_address": Code(400, _("This is not an address of the form https://host/path.")),
    "address_with_password": Code(
        400, _("An address with a name or a password in it is not used.")
    ),
    "port_refused": Code(400, _("Ports below 1024 are not used, except 80 and 443.")),
    "private_address": Code(
        400,
        _(
            "The address belongs to an internal network; calls go to public addresses only. "
            "The administrator can allow internal ones."
        ),
    ),
    "name_unknown": Code(None, _("The name of the host is not known.")),
    "timeout": Code(None, _("No answer within ten seconds.")),
    "tls": Code(
        None,
        _("The certificate of the host is not valid, or no secure connection came about."),
    ),
    "no_answer": Code(None, _("The host did not answer, or not as a web server does.")),
    "secret_lost": Code(
        None,
        _("The key of this installation was changed, so the secret is lost. Make a new secret."),
    ),
    "webhook_too_many": Code(409, _("You have as many webhooks as one user may have.")),
    "webhook_off": Code(409, _("The webhook is off. Switch it on first.")),
}
