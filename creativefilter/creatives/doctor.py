"""System checks: files without rows, rows without files, creatives without a job."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy, gettext_noop

from creativefilter.creatives.intake import orphans
from creativefilter.creatives.intake.orphans import QUARANTINE, Lost
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs.models import Job
from creativefilter.site import doctor
from creativefilter.site.doctor import Check, Finding, Problem

FILES = Problem(
    "files_without_rows",
    gettext_lazy("Files and folders older than a day without a row in the database: %(count)d."),
    gettext_lazy(
        "They were left by a process that was killed. manage.py doctor --fix moves files to the "
        "folder “%(quarantine)s” of the storage; delete it if nothing is missing."
    ),
    repairable=True,
)
MOST_FILES = Problem(
    "most_files_without_rows",
    gettext_lazy("%(count)d of the %(stored)d files in the storage have no row in the database."),
    gettext_lazy(
        "Does DATABASE_URL belong to this data, or was an older database restored? Nothing is "
        "moved."
    ),
)
CREATIVES_LOST = Problem(
    "creative_files_gone",
    gettext_lazy("Creatives whose file is gone from the storage: %(count)d."),
    gettext_lazy(
        "Restore “media” from a backup, or upload the same files again: they replace the missing "
        "ones. Segments, transcripts and predictions are kept."
    ),
)
FILES_LOST = Problem(
    "files_gone",
    gettext_lazy("Files of imports and tables that are gone from the storage: %(count)d."),
    gettext_lazy(
        "Restore “media” from a backup, or upload the tables again. The spend rows are kept."
    ),
)
IDLE = Problem(
    "creatives_without_job",
    gettext_lazy("Creatives shown as being analysed that have no job: %(count)d."),
    gettext_lazy("Analyse them again: tick them in the list of creatives, or open their pages."),
)


def files() -> Iterator[Finding]:
    """Compare the storage with the rows of every model that has files there."""
    found = orphans.compare()
    lost = found.orphans
    names = [*lost.files, *lost.folders]
    if orphans.are_most(lost):
        yield MOST_FILES.found(lost.files, stored=lost.stored)
    elif names:
        yield FILES.found(names, quarantine=QUARANTINE)
    for each in found.lost:
        yield _of_lost(each)


def _of_lost(lost: Lost) -> Finding:
    if lost.field.model is MediaVersion:
        return CREATIVES_LOST.found(map(_named, lost.rows), count=lost.count)
    kind = lost.field.model._meta.verbose_name
    return FILES_LOST.found((f"{kind} {row}" for row in lost.rows), count=lost.count)


def _named(media: MediaVersion) -> str:
    creative = str(media.creative)
    return creative if creative == media.original_name else f"{creative} ({media.original_name})"


def put_aside() -> None:
    """Move files without rows to the quarantine folder, unless they are most of all files."""
    found = orphans.compare().orphans
    if not orphans.are_most(found):
        orphans.put_aside(found)


def idle() -> Iterator[Finding]:
    """Find creatives in an unfinished state without an open job."""
    ended = Q(job=None) | Q(job__state__in=Job.FINAL)
    states = (Creative.State.DONE, Creative.State.FAILED)
    rows = Creative.objects.filter(ended).exclude(state__in=states).order_by("pk")
    if count := rows.count():
        yield IDLE.found(rows[: doctor.SHOWN], count=count)


doctor.register(
    Check(
        gettext_noop("files and their rows"),
        (FILES, MOST_FILES, CREATIVES_LOST, FILES_LOST),
        files,
        put_aside,
    )
)
doctor.register(Check(gettext_noop("creatives and their jobs"), (IDLE,), idle))
