"""The watched folder: files that stop growing are taken in, and stay where they are.

``WatchedFile`` rows mirror the folder. A file is ready when its size and modification time have
not changed for ``INGEST_QUIET_SECONDS``; one that changes later is taken in again.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import File
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop, override

from creativefilter.creatives.intake.file_names import is_media
from creativefilter.creatives.intake.many_files import Tally, result_text, take
from creativefilter.creatives.models import WatchedFile
from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, nothing, register
from creativefilter.jobs.models import Job
from creativefilter.site import lanes
from creativefilter.site.codes import CodedError
from creativefilter.site.database import in_batches

State = WatchedFile.State
# Most files of one job, which ends earlier if its turn is over. The next scan creates another job.
AT_ONCE = 500
PATH_MAX = 1024
# How long to wait after a failed job before creating another. A refused file fails no job.
PAUSE = timedelta(minutes=5)
ROWS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A media file of the folder with its size in bytes and modification time."""

    path: Path
    size: int
    modified_ns: int


def folder() -> Path | None:
    return Path(settings.INGEST_FOLDER) if settings.INGEST_FOLDER else None


def look() -> Job | None:
    """Scan the folder; return a new job if files are ready.

    No job is created while one is open or has just failed.
    """
    root = folder()
    if root is None or not root.is_dir():
        return None
    _note(dict(found_in(root)))
    if not WatchedFile.objects.filter(state=State.READY).exists() or _busy():
        return None
    return lifecycle.create(WATCH, {}, urgency=Job.Urgency.LONG)


def _busy() -> bool:
    """Whether a job is open or has just failed: a full disk needs no new job every 15 s."""
    now = timezone.now()
    # Not later than now: the clock may have been set back.
    failed = Q(state=Job.State.FAILED, finished_at__range=(now - PAUSE, now))
    return Job.objects.filter(Q(state__in=Job.OPEN) | failed, kind=WATCH.name).exists()


def found_in(root: Path) -> Iterator[tuple[str, Found]]:
    """Yield the media files with their path in the folder, without links and hidden files."""
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if name.startswith(".") or not is_media(name):
                continue
            try:
                found = _stands(path)
            except OSError:  # gone again
                continue
            if found is None:
                continue
            # Bytes that are not UTF-8 are escaped; the path only identifies the row.
            inside = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
            if len(inside) <= PATH_MAX:
                yield inside, found


def _stands(path: Path) -> Found | None:
    """Return size and modification time; None for links, pipes and other irregular files."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(path, status.st_size, status.st_mtime_ns)


def _note(found: dict[str, Found]) -> None:
    now = timezone.now()
    quiet_since = now - timedelta(seconds=settings.INGEST_QUIET_SECONDS)
    changed, ready, gone = [], [], []
    for row in in_batches(WatchedFile.objects.all()):
        here = found.pop(row.path, None)
        if here is None:
            gone.append(row.pk)
        elif (here.size, here.modified_ns) != (row.size, row.modified_ns):
            row.size, row.modified_ns, row.seen_at = here.size, here.modified_ns, now
            row.state, row.problem = State.GROWING, ""
            changed.append(row)
        # Not "seen_at <= quiet_since": the clock may have been set back since.
        elif row.state == State.GROWING and not quiet_since < row.seen_at <= now:
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
    """Take in the files that are ready.

    Each file's row is updated at once, so that another attempt goes on after it.

    Raises:
        JobError: ``no_folder``, or ``stopped`` where the claim was lost.
    """
    root, tally = folder(), Tally()
    if root is None:
        raise JobError("no_folder")
    turn_ends = time.monotonic() + lanes.TURN_SECONDS
    ready = list(WatchedFile.objects.filter(state=State.READY).order_by("pk")[:AT_ONCE])
    found = dict(found_in(root)) if ready else {}
    with override(settings.LANGUAGE_CODE):
        for number, row in enumerate(ready):
            here = found.get(row.path)
            if here:
                _take(row, here, root, tally)
            if not stage_runner.write_progress(job, min(99, 100 * (number + 1) // len(ready))):
                raise JobError("stopped")
            if time.monotonic() > turn_ends:
                break
    return tally.as_result


def _take(row: WatchedFile, here: Found, root: Path, tally: Tally) -> None:
    """Take in one file; leave one that is gone or has changed since the scan to the next scan."""
    as_noted = {"size": row.size, "modified_ns": row.modified_ns}
    same = WatchedFile.objects.filter(pk=row.pk, state=State.READY, **as_noted)
    refused, taken = tally.refused, None
    try:
        file = _opened(here.path, root)
    except FileNotFoundError:
        same.update(state=State.GROWING)
        return
    except PermissionError:
        tally.refuse(here.path.name, CodedError("unreadable"))
    else:
        # Outside the ``try``: errors of our own storage must not refuse the file.
        with file:
            status = os.fstat(file.fileno())
            if (status.st_size, status.st_mtime_ns) != (row.size, row.modified_ns):
                same.update(state=State.GROWING)
                return
            taken = take(File(file), here.path.name, tally, owner=None, ids={})
    same.update(
        state=State.REFUSED if tally.refused > refused else State.TAKEN,
        problem="" if taken else tally.last_refusal[:255],
        creative=taken.creative if taken else None,
    )


def _opened(path: Path, root: Path) -> BinaryIO:
    """Open a regular file within the folder; refuse one that a link leads out of the folder."""
    try:
        # Without O_NONBLOCK opening a pipe would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileNotFoundError(path) from error
        raise
    file = os.fdopen(descriptor, "rb")
    real = Path(f"/proc/self/fd/{descriptor}").resolve()
    if not real.is_relative_to(root.resolve()) or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise FileNotFoundError(path)
    return file


WATCH = register(
    Kind(
        gettext_noop("watch"),
        (Stage(gettext_noop("taking in"), "cpu", take_ready),),
        nothing,
        result_text=result_text,
    )
)
