"""Files that nobody knows: a process was killed between writing one and its row.

Only what is older than a day is looked at, so nothing that is on its way is ever taken for one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import FileField
from django.utils import timezone

from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.intake.archive_jobs import FOLDER as ARCHIVES
from creativefilter.creatives.intake.archive_jobs import UNPACK
from creativefilter.creatives.models import MediaVersion
from creativefilter.jobs.models import Job

OLD = timedelta(days=1)
ROWS = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Orphans:
    """Names in the storage, and folders of working copies."""

    files: list[str]
    folders: list[Path]


def find() -> Orphans:
    """What no row points at, a day after it was written."""
    before = timezone.now() - OLD
    names = [name for folder in sorted(_folders()) for name in _below(folder)]
    files = [name for some in _batches(names) for name in _unknown(some)]
    return Orphans([name for name in files if _is_old(name, before)], list(_copies(before)))


def remove(orphans: Orphans) -> None:
    for name in orphans.files:
        default_storage.delete(name)
    for folder in orphans.folders:
        shutil.rmtree(folder, ignore_errors=True)


def _batches(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while some := list(islice(left, ROWS)):
        yield some


def _fields() -> Iterator[FileField]:
    for model in apps.get_models():
        yield from (field for field in model._meta.fields if isinstance(field, FileField))


def _folders() -> set[str]:
    """The folders of the storage that uploads are written to; nothing else there is ours."""
    made = {field.generate_filename(field.model(), "x").split("/")[0] for field in _fields()}
    return made | {ARCHIVES}


def _below(folder: str) -> Iterator[str]:
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in names if name)
    for inner in folders:
        yield from _below(f"{folder}/{inner}")


def _unknown(names: Iterable[str]) -> list[str]:
    wanted = set(names)
    for field in _fields():
        rows = field.model._default_manager.filter(**{f"{field.name}__in": wanted})
        wanted -= set(rows.values_list(field.name, flat=True))
    jobs = Job.objects.filter(kind=UNPACK.name, params__archive__in=wanted)
    wanted -= set(jobs.values_list("params__archive", flat=True))
    return sorted(wanted)


def _is_old(name: str, before: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < before
    except FileNotFoundError:
        return False


def _copies(before: datetime) -> Iterator[Path]:
    root = Path(settings.DERIVED_ROOT)
    for some in _batches(sorted(root.glob("*/*"))):
        numbers = {int(path.name) for path in some if path.name.isdecimal()}
        known = set(MediaVersion.objects.filter(pk__in=numbers).values_list("pk", flat=True))
        for path in some:
            left = path.name.startswith(working_copies.ASIDE)
            if (left or (path.name.isdecimal() and int(path.name) not in known)) and (
                datetime.fromtimestamp(path.stat().st_mtime, before.tzinfo) < before
            ):
                yield path
