"""Codes of jobs of any kind: failures not caused by their input, cancelling, the quota."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from creativefilter.site.codes.code import Code

CODES = {
    "worker_lost": Code(
        500,
        _(
            "Processing was interrupted three times. Try again; if it happens again, tell the "
            "administrator the number of the job."
        ),
    ),
    "timed_out": Code(
        500,
        _(
            "It took longer than allowed. Try again when the machine is less busy; if a creative "
            "fails this way again, convert it to mp4."
        ),
    ),
    "database_busy": Code(503, _("The database did not answer in time. Try again.")),
    "database_away": Code(
        503, _("The database does not answer now. Try again in a minute; nothing is lost.")
    ),
    "storage_away": Code(
        503,
        _(
            "The storage of the files did not answer. Try again; if it happens again, tell the "
            "administrator."
        ),
    ),
    "storage_full": Code(
        507,
        _(
            "There is no space left on the server's disk. Nothing was stored; try again when the "
            "administrator has freed space."
        ),
    ),
    "cancelled": Code(422, _("The job was cancelled before it ended.")),
    "internal": Code(
        500,
        _(
            "An internal error occurred. Nothing is lost; tell the administrator the number of "
            "the job."
        ),
    ),
    "too_many_open_jobs": Code(
        429,
        ngettext_lazy(
            "You have %(count)d unfinished job, and more are not allowed at a time. Wait until it "
            "ends.",
            "You have %(count)d unfinished jobs, and more are not allowed at a time. Wait until "
            "some end.",
            "count",
        ),
    ),
}
