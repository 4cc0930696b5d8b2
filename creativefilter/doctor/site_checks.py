"""System checks of the whole site: database, broker, storage, disk, settings, file permissions."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext_lazy, gettext_noop
from redis.exceptions import RedisError

from creativefilter.celery import has_broker
from creativefilter.doctor.setting_checks import TAG, watched_folder_sentence
from creativefilter.site import doctor, probes
from creativefilter.site.doctor import Check, Finding, Problem
from creativefilter.site.private_files import open_to_others, tighten
from creativefilter.site.sentences import sentence_of
from creativefilter.site.unavailable import Unavailable

MB = 1024**2

DATABASE = Problem(
    "database_away",
    gettext_lazy("The database does not answer. %(why)s"),
    gettext_lazy("Start it, or correct DATABASE_URL. Nothing else could be checked."),
)
MIGRATIONS = Problem(
    "migrations_missing",
    gettext_lazy("The database is not prepared for this version. Missing migrations: %(count)d."),
    gettext_lazy("Run manage.py prepare. Nothing else could be checked."),
)
BROKER = Problem(
    "broker_away",
    gettext_lazy("The broker does not answer. %(why)s"),
    gettext_lazy("Start it, or correct REDIS_URL. Nothing is lost: jobs wait in the database."),
)
STORAGE = Problem(
    "storage_away",
    gettext_lazy("The storage of uploads can't be used. %(why)s"),
    gettext_lazy(
        "Does the folder media in DATA_DIR exist, and can the application write to it? With "
        "STORAGE_S3_BUCKET: does the bucket answer, and are its keys right?"
    ),
)
DISK = Problem(
    "disk_full",
    gettext_lazy(
        "The disk of %(folder)s has %(free)d MB left, and one upload may take %(needed)d MB."
    ),
    gettext_lazy("Free disk space, or lower UPLOAD_MAX_BYTES."),
)
SETTING = Problem(
    "setting",
    gettext_lazy("A setting is wrong: %(sentence)s"),
    gettext_lazy("Correct it in the environment or in .env, then start everything again."),
)
WATCHED_FOLDER = Problem(
    "watched_folder",
    gettext_lazy("The watched folder can't be read: %(sentence)s"),
    gettext_lazy(
        "Mount the folder on the host of the worker that serves the queue cpu-upkeep, and let the "
        "account of this worker read it. No other host needs the folder."
    ),
)
OPEN_FILES = Problem(
    "open_files",
    gettext_lazy(
        "Files and folders, DATA_DIR included, that other accounts of this machine can open: "
        "%(count)d."
    ),
    gettext_lazy(
        "manage.py doctor --fix takes these permissions away. Where another account is the owner, "
        "run this as that account: chmod go= …"
    ),
    repairable=True,
)


def _probe(problem: Problem, probe: Callable[[], Any]) -> Iterator[Finding]:
    try:
        probe()
    except Unavailable as error:
        # The sentence of the error would leave out the technical reason.
        yield problem.found(why=str(error))
    except (DatabaseError, RedisError, OSError) as error:
        why = sentence_of(error) or str(error).splitlines()[0] if str(error) else repr(error)
        yield problem.found(why=why)


def database() -> Iterator[Finding]:
    yield from _probe(DATABASE, probes.database)


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        yield MIGRATIONS.found(f"{step.app_label}.{step.name}" for step, _backwards in missing)


def broker() -> Iterator[Finding]:
    # Without REDIS_URL there is a broker only while ``manage.py run`` runs; that is no finding.
    if has_broker():
        yield from _probe(BROKER, probes.broker)


def storage() -> Iterator[Finding]:
    yield from _probe(STORAGE, probes.storage)


def disk() -> Iterator[Finding]:
    try:
        probes.disk()
    except probes.TooLittleRoomError:
        free = shutil.disk_usage(settings.DATA_DIR).free
        yield DISK.found(
            folder=str(settings.DATA_DIR),
            free=free // MB,
            needed=settings.UPLOAD_MAX_BYTES // MB,
        )


def setting_sentences() -> Iterator[Finding]:
    for message in checks.run_checks(tags=[TAG]):
        yield SETTING.found(sentence=message.msg)


def watched_folder() -> Iterator[Finding]:
    """Yield a finding if this process can't read the watched folder.

    It is not registered as quick: the page runs quick checks in the web process, whose host does
    not need the folder.
    """
    if sentence := watched_folder_sentence():
        yield WATCHED_FOLDER.found(sentence=sentence)


def open_files() -> Iterator[Finding]:
    if paths := open_to_others(Path(settings.DATA_DIR)):
        yield OPEN_FILES.found(paths)


def close_files() -> None:
    tighten(Path(settings.DATA_DIR))


for check in (
    Check(gettext_noop("database"), (DATABASE,), database, quick=True, vital=True),
    Check(gettext_noop("migrations"), (MIGRATIONS,), migrations, quick=True, vital=True),
    Check(gettext_noop("settings"), (SETTING,), setting_sentences, quick=True),
    Check(gettext_noop("watched folder"), (WATCHED_FOLDER,), watched_folder),
    Check(gettext_noop("broker"), (BROKER,), broker, quick=True),
    Check(gettext_noop("storage of uploads"), (STORAGE,), storage, quick=True),
    Check(gettext_noop("free disk"), (DISK,), disk, quick=True),
    Check(gettext_noop("permissions of files"), (OPEN_FILES,), open_files, close_files, quick=True),
):
    doctor.register(check)
