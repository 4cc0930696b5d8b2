"""Uploads in a bucket that speaks the protocol of S3; chosen by ``STORAGE_S3_BUCKET``.

Imported only where that is set: an installation without it loads no client.
"""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

from creativefilter.site.unavailable import Unavailable

T = TypeVar("T")
PART = 8 * 1024 * 1024
# Names that one request lists; the protocol allows no more.
PAGE = 1000
# Somebody waits for our answer.
CONNECT_SECONDS = 3
READ_SECONDS = 10
PLACE_SECONDS = 2.0
# What the bucket says of an object that is not there, and of a range beyond its end.
_MISSING = {"404", "NoSuchKey", "NotFound"}


class Places:
    """How many threads of this process may wait for the bucket at a time.

    A bucket that hangs must not hold all that answer requests: half of them wait for jobs at the
    most, and less than half here.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._mine = threading.local()

    @contextmanager
    def taken(self, patience: float) -> Iterator[None]:
        """A place, for as long as the block lasts.

        Raises ``Unavailable`` if none is free within ``patience`` seconds: to wait for one holds a
        thread, too.
        """
        if getattr(self._mine, "taken", False):
            yield
            return
        if not self._free.acquire(timeout=patience):
            raise Unavailable("storage_away", "too many wait for it already")
        self._mine.taken = True
        try:
            yield
        finally:
            self._mine.taken = False
            self._free.release()


_places = Places(max(1, settings.WEB_THREADS // 2 - 1))


def _told(work: Callable[..., T], patience: float = 0.0) -> Callable[..., T]:
    """A bucket that does not answer, or not as it should, is nobody's file's fault."""

    @functools.wraps(work)
    def told(*args: Any, **kwargs: Any) -> T:
        try:
            with _places.taken(patience):
                return work(*args, **kwargs)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise FileNotFoundError(str(error)) from error
            raise Unavailable("storage_away", repr(error)) from error
        except BotoCoreError as error:
            raise Unavailable("storage_away", repr(error)) from error

    return told


@deconstructible(path="creativefilter.site.s3.Bucket")
class Bucket(S3Storage):
    """Streams in parts of 8 MB, one after the other: a worker's memory stays as it is.

    Raises ``FileNotFoundError``, and ``Unavailable`` if the bucket does not answer.
    """

    def __init__(self, *, addressing_style: str = "auto", **options: Any) -> None:
        super().__init__(
            addressing_style=addressing_style,
            # Names are our own and new each time: nobody need look whether one is taken.
            file_overwrite=True,
            # What is opened as a file grows on the disk, not in memory.
            max_memory_size=PART,
            transfer_config=TransferConfig(
                multipart_threshold=PART, multipart_chunksize=PART, use_threads=False
            ),
            client_config=Config(
                s3={"addressing_style": addressing_style},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": 3, "mode": "standard"},
                # Servers other than Amazon's do not all know the newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            **options,
        )

    _open = _told(S3Storage._open)
    _save = _told(S3Storage._save)
    delete = _told(S3Storage.delete)
    exists = _told(S3Storage.exists)
    listdir = _told(S3Storage.listdir)
    get_modified_time = _told(S3Storage.get_modified_time)

    def walk(self, folder: str) -> Iterator[tuple[str, float]]:
        """Yield name and time of the last change (seconds since 1970) of every file below a folder.

        Objects that come or go meanwhile may be among them or not.
        """
        outside = len(self._normalize_name(folder)) - len(folder)
        page: dict[str, Any] = {"Prefix": f"{self._normalize_name(folder)}/", "MaxKeys": PAGE}
        while page:
            found = self._page(**page)
            for one in found.get("Contents", []):
                yield one["Key"][outside:], one["LastModified"].timestamp()
            token = found.get("NextContinuationToken")
            page = {**page, "ContinuationToken": token} if token else {}

    @_told
    def _page(self, **options: Any) -> dict[str, Any]:
        client = self.connection.meta.client
        return dict(client.list_objects_v2(Bucket=self.bucket_name, **options))

    @_told
    def move(self, name: str, target: str) -> None:
        """Give an object another name. Raises ``FileNotFoundError``."""
        source = {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}
        # In parts where it is large.
        self.bucket.Object(self._normalize_name(target)).copy(source)
        self.bucket.Object(source["Key"]).delete()

    @_told
    def stream(self, name: str) -> Stream:
        """The object for reading, bytes as they are asked for."""
        thing = self.bucket.Object(self._normalize_name(name))
        thing.load()
        return Stream(thing)


class Stream(io.RawIOBase):
    """An object of a bucket: seeking costs nothing, the next read asks for the bytes from there."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing
        self._size: int = thing.content_length
        self._at = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if origin + offset != self._at:
            self._hang_up()
        self._at = max(0, origin + offset)
        return self._at

    def _read(self, size: int | None = -1) -> bytes:
        if self._at >= self._size or size == 0:
            return b""
        if self._body is None:
            self._body = self._thing.get(Range=f"bytes={self._at}-")["Body"]
        content: bytes = self._body.read(None if size is None or size < 0 else size)
        self._at += len(content)
        return content

    # In the middle of an answer, and quickly done: others wait a moment for their turn.
    read = _told(_read, patience=PLACE_SECONDS)

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hang_up(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
