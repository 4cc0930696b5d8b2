"""Files that no row names (orphans), and rows whose file is gone.

A process that is killed between writing a file and its row leaves an orphan; a disk that loses
files leaves rows without a file. Only files older than a day count as orphans, so that uploads in
progress are left alone. Names are compared in a temporary SQLite database on disk: memory does not
grow with their number.
"""

# ruff: noqa: S608  (statements are made of constants)
from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

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
ROWS = 5_000
# Rows without a file that are checked a second time: they may have been deleted meanwhile.
ASKED_AGAIN = 1_000
# Folder in the storage, beside the folders of uploads.
QUARANTINE = "quarantine"
# If more than this share of all files, and more than a few, have no row, the database is probably a
# wrong or an old one.
MOST = 0.5
FEW = 20
T = TypeVar("T")

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -65536;
    CREATE TABLE stored (name TEXT, changed REAL);
    CREATE TABLE known (name TEXT, field INTEGER, pk);
"""
# Created after the tables are filled, which is quicker.
_INDEXES = """
    CREATE INDEX stored_name ON stored (name);
    CREATE INDEX known_name ON known (name);
"""
_UNKNOWN = """
    SELECT name FROM stored WHERE changed < ? AND NOT EXISTS (
        SELECT 1 FROM known WHERE known.name = stored.name) ORDER BY name
"""
_MISSING = """
    FROM known WHERE field = ? AND NOT EXISTS (
        SELECT 1 FROM stored WHERE stored.name = known.name)
"""


@dataclass(frozen=True, slots=True)
class Orphans:
    """Files and folders of working copies without a row; ``stored`` counts all files compared."""

    files: list[str]
    folders: list[Path]
    stored: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows of a field whose file is not in the storage: the first of them, and their number."""

    field: FileField
    rows: list[Any]
    count: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Result of comparing the storage with the rows."""

    orphans: Orphans
    lost: list[Lost]


def compare() -> Compared:
    """Find files older than a day that no row names, and rows whose file is gone."""
    before = timezone.now() - OLD
    with closing(sqlite3.connect("")) as names:
        names.executescript(_TABLES)
        # Rows first: a file is written before its row, and removed after it.
        fields = list(_fields())
        for number, field in enumerate(fields):
            _note(names, "known", ((name, number, str(pk)) for pk, name in _named(field)))
        _note(names, "known", ((name, -1, "") for name in _archives()))
        for folder in sorted(_folders(fields)):
            _note(names, "stored", default_storage.walk(folder))  # type: ignore[attr-defined]
        names.executescript(_INDEXES)
        unknown = [name for (name,) in names.execute(_UNKNOWN, (before.timestamp(),))]
        stored = names.execute("SELECT COUNT(*) FROM stored").fetchone()[0]
        lost = [_lost(names, number, field) for number, field in enumerate(fields)]
    orphans = Orphans(unknown, list(_copies(before.timestamp())), stored)
    return Compared(orphans, [each for each in lost if each.count])


def are_most(orphans: Orphans) -> bool:
    """Return whether so many files have no row that none of them may be touched."""
    return len(orphans.files) > max(FEW, MOST * orphans.stored)


def remove(orphans: Orphans) -> None:
    """Delete the orphans for good."""
    for name in orphans.files:
        default_storage.delete(name)
    _remove_folders(orphans)


def put_aside(orphans: Orphans) -> None:
    """Move files to the folder ``QUARANTINE`` of the storage; remove working copies.

    Working copies can be made again from the upload.
    """
    day = timezone.localdate().isoformat()
    for name in orphans.files:
        default_storage.move(name, f"{QUARANTINE}/{day}/{name}")  # type: ignore[attr-defined]
    _remove_folders(orphans)


def _remove_folders(orphans: Orphans) -> None:
    for folder in orphans.folders:
        shutil.rmtree(folder, ignore_errors=True)


def _note(names: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    marks = {"known": "?, ?, ?", "stored": "?, ?"}[table]
    names.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _batches(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while some := list(islice(left, ROWS)):
        yield some


def _fields() -> Iterator[FileField]:
    for model in apps.get_models():
        yield from (field for field in model._meta.fields if isinstance(field, FileField))


def _folders(fields: Iterable[FileField]) -> set[str]:
    """Folders of the storage that uploads are written to; others may belong to other programs."""
    made = {field.generate_filename(field.model(), "x").split("/")[0] for field in fields}
    return made | {ARCHIVES}


def _named(field: FileField) -> Iterator[tuple[Any, str]]:
    """Yield key and file name of every row with a file; no cursor stays open between queries."""
    rows = field.model._default_manager.exclude(**{field.name: ""}).order_by("pk")
    page = list(rows.values_list("pk", field.name)[:ROWS])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1][0]).values_list("pk", field.name)[:ROWS])


def _archives() -> Iterator[str]:
    """Yield the names of the archives of all jobs: even a failed job may still unpack its own."""
    jobs = Job.objects.filter(kind=UNPACK.name).order_by("pk")
    yield from jobs.values_list("params__archive", flat=True)


def _lost(names: sqlite3.Connection, number: int, field: FileField) -> Lost:
    count: int = names.execute(f"SELECT COUNT(*) {_MISSING}", (number,)).fetchone()[0]
    some = names.execute(f"SELECT pk, name {_MISSING} ORDER BY pk LIMIT {ASKED_AGAIN}", (number,))
    rows = []
    for pk, name in some.fetchall():
        row = field.model._default_manager.filter(**{"pk": pk, field.name: name}).first()
        if row is not None and not default_storage.exists(name):
            rows.append(row)
    return Lost(field, rows, len(rows) + max(0, count - ASKED_AGAIN))


def _copies(before: float) -> Iterator[Path]:
    """Yield working copies of deleted media versions, and half-filled folders left behind."""
    root = Path(settings.DERIVED_ROOT)
    for some in _batches(root.glob("*/*")):
        numbers = {int(path.name) for path in some if path.name.isdecimal()}
        known = set(MediaVersion.objects.filter(pk__in=numbers).values_list("pk", flat=True))
        for path in some:
            left = path.name.startswith(working_copies.ASIDE)
            gone = path.name.isdecimal() and int(path.name) not in known
            if (left or gone) and _changed(path) < before:
                yield path


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
