"""Probes of what the site needs: database, broker, storage, disk space. They raise on failure."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryFile

import redis
from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection

BROKER_SECONDS = 2.0


class TooLittleRoomError(Exception):
    """The disk has less space than the largest allowed upload needs."""


def database() -> None:
    """Run a query on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def broker() -> None:
    """Ping the broker."""
    limits = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, **limits) as client:
        client.ping()


def storage() -> None:
    """Look for a file in the bucket, or write one to the folder of uploads."""
    if not isinstance(default_storage, FileSystemStorage):
        default_storage.exists("health")
        return
    folder = Path(default_storage.location)
    while not folder.exists():  # the first upload creates it
        folder = folder.parent
    with TemporaryFile(dir=folder) as file:
        file.write(b"x")


def disk() -> int:
    """Return how many bytes are free on the disk of the data folder.

    Raises:
        TooLittleRoomError: Less than ``UPLOAD_MAX_BYTES``.
    """
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < settings.UPLOAD_MAX_BYTES:
        raise TooLittleRoomError(f"{settings.DATA_DIR} has {free} bytes left")
    return free
