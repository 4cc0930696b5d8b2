"""Whether what the site needs answers: database, broker, storage, room on the disk.

A probe raises what went wrong.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryFile

import redis
from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection

from creativefilter.site.errors import UserError

BROKER_SECONDS = 2.0


class TooLittleRoomError(UserError):
    """The disk has no room for an upload."""


def database() -> None:
    """Ask the database something, on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def broker() -> None:
    """Ask the broker whether it answers."""
    limits = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, **limits) as client:
        client.ping()


def storage() -> None:
    """Look for a file in the bucket, or write one to the folder of uploads."""
    if not isinstance(default_storage, FileSystemStorage):
        default_storage.exists("health")
        return
    folder = Path(default_storage.location)
    while not folder.exists():  # the first upload makes it
        folder = folder.parent
    with TemporaryFile(dir=folder) as file:
        file.write(b"x")


def disk() -> int:
    """Return how many bytes the data folder has left; raise if the largest upload needs more."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < settings.UPLOAD_MAX_BYTES:
        raise TooLittleRoomError(f"{settings.DATA_DIR} has {free} bytes left")
    return free
