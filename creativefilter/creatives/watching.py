"""A folder that is watched: files that stop growing are taken in, and stay where they are.

``WatchedFile`` rows mirror the folder. A file is ready when it stands for ``INGEST_QUIET_SECONDS``
as it stood at the look before; one that changes afterwards is looked at anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop, override

from creativefilter.creatives.intake import is_media
from creativefilter.creatives.many import Tally, take_path
from creativefilter.creatives.models import WatchedFile
from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, register
from creativefilter.jobs.models import Job

State = WatchedFile.State
# A job takes so many at most; the next look makes another one.
AT_ONCE = 500
PATH_MAX = 1024
ROWS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A media file of the folder: where it lies, and how it stands."""

    path: Path
    size: int
    modified_ns: int


def folder() -> Path | None:
    return Path(settings.INGEST_FOLDER) if settings.INGEST_FOLDER else None


def look() -> Job | None:
    """Notes how the files stand now; a job, if some are ready and nobody takes them yet."""
    root = folder()
    if root is None or not root.is_dir():
        return None
    _note(dict(found_in(root)))
    ready = WatchedFile.objects.filter(state=State.READY).exists()
    busy = Job.objects.filter(kind=WATCH.name).exclude(state__in=Job.FINAL).exists()
    return lifecycle.create(WATCH, {}, urgency=Job.Urgency.BATCH) if ready and not busy else None


def found_in(root: Path) -> Iterator[tuple[str, Found]]:
    """Media files by their path in the folder; no links, nothing hidden."""
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if name.startswith(".") or not is_media(name) or path.is_symlink():
                continue
            try:
                stat = path.stat()
            except OSError:  # gone again
                continue
            # A name that is no UTF-8 is kept readable; the row is only looked up by it.
            inside = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
            if len(inside) <= PATH_MAX:
                yield inside, Found(path, stat.st_size, stat.st_mtime_ns)


def _note(found: dict[str, Found]) -> None:
    now = timezone.now()
    quiet_since = now - timedelta(seconds=settings.INGEST_QUIET_SECONDS)
    changed, ready, gone = [], [], []
    for row in WatchedFile.objects.iterator():
        here = found.pop(row.path, None)
        if here is None:
            gone.append(row.pk)
        elif (here.size, here.modified_ns) != (row.size, row.modified_ns):
            row.size, row.modified_ns, row.seen_at = here.size, here.modified_ns, now
            row.state, row.problem = State.GROWING, ""
            changed.append(row)
        elif row.state == State.GROWING and row.seen_at <= quiet_since:
            ready.append(row.pk)
    WatchedFile.objects.bulk_update(
        changed, ["size", "modified_ns", "seen_at", "state", "problem"], batch_size=ROWS
    )
    for some in (ready[i : i + ROWS] for i in range(0, len(ready), ROWS)):
        WatchedFile.objects.filter(pk__in=some, state=State.GROWING).update(state=State.READY)
    for some in (gone[i : i + ROWS] for i in range(0, len(gone), ROWS)):
        WatchedFile.objects.filter(pk__in=some).delete()
    WatchedFile.objects.bulk_create(
        [
            WatchedFile(path=path, size=each.size, modified_ns=each.modified_ns, seen_at=now)
            for path, each in found.items()
        ],
        batch_size=ROWS,
        ignore_conflicts=True,
    )


def take_ready(job: Job) -> Save:
    """Takes in what is ready. Each file is noted at once: another attempt goes on after it."""
    root, tally = folder(), Tally()
    if root is None:
        raise JobError("no_folder")
    ready = list(WatchedFile.objects.filter(state=State.READY).order_by("pk")[:AT_ONCE])
    found = dict(found_in(root)) if ready else {}
    with override(settings.LANGUAGE_CODE):
        for number, row in enumerate(ready):
            here = found.get(row.path)
            if here is None or (here.size, here.modified_ns) != (row.size, row.modified_ns):
                # Gone, or growing again: the next look says.
                WatchedFile.objects.filter(pk=row.pk).update(state=State.GROWING)
                continue
            _take(row, here, tally)
            if not lifecycle.progressed(job, min(99, 100 * (number + 1) // len(ready))):
                raise JobError("stopped")
    return tally.as_result


def _take(row: WatchedFile, here: Found, tally: Tally) -> None:
    taken = take_path(here.path, tally, owner=None, ids={})
    WatchedFile.objects.filter(pk=row.pk).update(
        state=State.TAKEN if taken else State.REFUSED,
        problem="" if taken else tally.last_refusal[:255],
        creative=taken.creative if taken else None,
    )


WATCH = register(
    Kind(
        gettext_noop("watch"),
        (Stage(gettext_noop("taking in"), "cpu", take_ready),),
        lambda job: None,
    )
)
