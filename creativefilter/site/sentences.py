"""Sentences for exceptions that a user can do something about."""

from __future__ import annotations

import errno
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, OperationalError, ProgrammingError
from django.utils.translation import gettext as _

from creativefilter.site.codes import sentence
from creativefilter.site.errors import UserError
from creativefilter.site.unavailable import Unavailable


def sentence_of(error: BaseException) -> str:
    """Return a sentence for people about an exception; "" if there is none.

    Covers the project's own errors, errors of the operating system and errors of the database.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, Unavailable):
        return sentence(error.code)
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, DatabaseError):
        return _of_database(error)
    return _of_classifier(error)


def _of_system(error: OSError) -> str:
    path = error.filename2 or error.filename
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        if path:
            return _("The disk is full: %s can't be written.") % path
        return _("The disk is full.")
    if path is None:
        return ""
    if isinstance(error, FileNotFoundError):
        return _("There is no file %s.") % path
    if isinstance(error, IsADirectoryError):
        return _("%s is a folder, and a file is needed.") % path
    if isinstance(error, NotADirectoryError | FileExistsError):
        return _("%s is a file, and a folder is needed.") % path
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return _("There is no permission for %s.") % path
    return _("%(path)s can't be used: %(why)s.") % {"path": path, "why": error.strerror}


def _of_database(error: DatabaseError) -> str:
    text = str(error).strip()
    if isinstance(error, ProgrammingError) or "no such" in text:
        if "no such" in text or "does not exist" in text:
            return _("The database is not prepared for this program: run manage.py prepare.")
        return ""
    if "locked" in text:
        return _("The database is busy: another program writes to it. Try again.")
    if "is full" in text or "No space left" in text:
        return _("The disk is full: the database can't be written.")
    if "readonly" in text:
        return _("There is no permission to write the database %s.") % _database_name()
    if "unable to open" in text or "not a database" in text:
        return _("The database %s can't be opened.") % _database_name()
    if isinstance(error, OperationalError):
        return _("The database can't be reached: %s") % text.splitlines()[0] if text else ""
    return ""


def _database_name() -> Path:
    return Path(settings.DATABASES["default"]["NAME"])


def _of_classifier(error: BaseException) -> str:
    """Return the sentence for an error of ``classifier``, which has no translations itself."""
    from classifier.artefact import ArtefactError
    from classifier.errors import ScreenUnavailable, TooFewRowsError, WeightsError

    if isinstance(error, WeightsError | ScreenUnavailable):
        return sentence(error.code, error.facts)
    if isinstance(error, ArtefactError):
        return _("The model can't be used: %s") % error
    if isinstance(error, TooFewRowsError):
        return _(
            "Folds need at least %(folds)d families of near duplicates and two segments with "
            "two families or more; here are %(families)d and %(segments)d."
        ) % {"folds": error.least, "families": error.families, "segments": error.segments}
    return ""
