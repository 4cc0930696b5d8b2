"""Uploads in a bucket that speaks the protocol of S3; chosen by ``STORAGE_S3_BUCKET``.

Imported only where that is set: an installation without it loads no client.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any, TypeVar

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

from creativefilter.site.unavailable import Unavailable

T = TypeVar("T")
PART = 8 * 1024 * 1024
# What the bucket says of an object that is not there, and of a range beyond its end.
_MISSING = {"404", "NoSuchKey", "NotFound"}


def _told(work: Callable[..., T]) -> Callable[..., T]:
    """A bucket that does not answer, or not as it should, is nobody's file's fault."""

    @functools.wraps(work)
    def told(*args: Any, **kwargs: Any) -> T:
        try:
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
                connect_timeout=5,
                read_timeout=30,
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

    @_told
    def read(self, size: int | None = -1) -> bytes:
        if self._at >= self._size or size == 0:
            return b""
        if self._body is None:
            self._body = self._thing.get(Range=f"bytes={self._at}-")["Body"]
        content: bytes = self._body.read(None if size is None or size < 0 else size)
        self._at += len(content)
        return content

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hang_up(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
