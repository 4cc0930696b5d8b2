"""Codes of uploads that are refused: single files and archives."""

from __future__ import annotations

from django.conf import settings
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code


def _too_large() -> str:
    limit = f"{settings.UPLOAD_MAX_BYTES / 1024**2:.4g}"
    return gettext("The file is larger than %(limit)s MB.") % {"limit": limit}


CODES = {
    # Uploads of any content (``site.uploads``)
    "empty": Code(400, _("The file is empty. Check it and send it again.")),
    "too_large": Code(413, lazy(_too_large, str)()),
    "unreadable": Code(
        400,
        _(
            "The file can't be read: no permission, it is a folder, or the disk is unavailable. "
            "Check the access to it."
        ),
    ),
    # Archives of creatives, and the watched folder
    "bad_archive": Code(
        400, _("The archive is damaged or is not a zip archive. Pack it again and send it.")
    ),
    "archive_overlap": Code(
        400, _("Files in the archive overlap. Pack the archive again and send it.")
    ),
    "archive_empty": Code(400, _("There are no files in the archive.")),
    "archive_too_many_files": Code(400, _("There are more than %(limit)s files in the archive.")),
    "archive_too_large": Code(
        413,
        _("Unpacked, the files of the archive would take %(size)s; at most %(limit)s is allowed."),
    ),
    "bad_id_table": Code(400, _("The table of Advertisement IDs can't be used: %(why)s")),
    "archive_locked": Code(400, _("The file is locked by a password.")),
    "archive_member_damaged": Code(400, _("The file is damaged within the archive.")),
    "archive_gone": Code(422, _("The archive is no longer stored. Send it again.")),
    "no_folder": Code(500, _("No folder is watched any more.")),
    "stopped": Code(422, _("Stopped. The files that were added before are kept.")),
}
