"""Sentences for the ends of a job that no file is to blame for."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MESSAGES: dict[str, str | Promise] = {
    "worker_lost": _(
        "The program that worked on it was stopped three times in the middle. "
        "Try again; if it happens again, tell the administrator the number of the job."
    ),
    "timed_out": _("It took longer than allowed. Try again when the machine is less busy."),
    "database_busy": _("The database did not answer in time. Try again."),
    "storage_away": _(
        "The storage of the files did not answer. Try again; if it happens again, tell the "
        "administrator."
    ),
    "cancelled": _("It was cancelled before it had ended."),
    "internal": _(
        "Something in the program itself went wrong. "
        "Nothing is lost; tell the administrator the number of the job."
    ),
}
