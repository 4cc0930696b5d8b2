"""Storage of uploads in an S3-compatible bucket, chosen by ``STORAGE_S3_BUCKET``.

Imported only if that setting is set, so other installations don't load boto3.
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
# Names per list request; the S3 API allows no more.
PAGE = 1000
# Short timeouts, since web requests wait for the bucket.
CONNECT_SECONDS = 3
READ_SECONDS = 10
PLACE_SECONDS = 2.0
# Error codes for an object that does not exist.
_MISSING = {"404", "NoSuchKey", "NotFound"}


class Places:
    """Limit of the threads of this process that may wait for the bucket at the same time.

    A bucket that hangs must not block all web threads. Up to half of them may be waiting for jobs
    (``api.core.waiting``), so fewer than half may wait here.

    Args:
        count: The limit.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._mine = threading.local()

    @contextmanager
    def taken(self, patience: float) -> Iterator[None]:
        """Hold a place until the block ends; a nested block of the same thread takes no second one.

        Args:
            patience: Seconds to wait for a free place. Keep it short: waiting blocks a thread, too.

        Raises:
            Unavailable: No place is free.
        """
        if getattr(self._mine, "taken", False):
            yield
            return
        if not self._free.acquire(timeout=patience):
            raise Unavailable("storage_away", "too many threads wait for it already")
        self._mine.taken = True
        try:
            yield
        finally:
            self._mine.taken = False
            self._free.release()


_places = Places(max(1, settings.WEB_THREADS // 2 - 1))


def _asks_bucket(work: Callable[..., T], patience: float = 0.0) -> Callable[..., T]:
    """Wrap a function that sends requests: take a place, and translate boto3's errors.

    Raises:
        FileNotFoundError: There is no such object.
        Unavailable: The bucket failed, or no place is free within ``patience`` seconds.
    """

    @functools.wraps(work)
    def wrapped(*args: Any, **kwargs: Any) -> T:
        try:
            with _places.taken(patience):
                return work(*args, **kwargs)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise FileNotFoundError(str(error)) from error
            raise Unavailable("storage_away", repr(error)) from error
        except BotoCoreError as error:
            raise Unavailable("storage_away", repr(error)) from error

    return wrapped


@deconstructible(path="creativefilter.site.s3.Bucket")
class Bucket(S3Storage):
    """Storage in a bucket; transfers parts of 8 MB one after the other, to save memory.

    Methods raise ``FileNotFoundError``, and ``Unavailable`` if the bucket does not answer.
    """

    def __init__(self, *, addressing_style: str = "auto", **options: Any) -> None:
        super().__init__(
            addressing_style=addressing_style,
            # Names are generated and unique, so no request is needed to look for a free one.
            file_overwrite=True,
            transfer_config=TransferConfig(
                multipart_threshold=PART, multipart_chunksize=PART, use_threads=False
            ),
            client_config=Config(
                s3={"addressing_style": addressing_style},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": 3, "mode": "standard"},
                # Some S3-compatible servers don't support the newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            **options,
        )

    _save = _asks_bucket(S3Storage._save)
    delete = _asks_bucket(S3Storage.delete)
    exists = _asks_bucket(S3Storage.exists)
    listdir = _asks_bucket(S3Storage.listdir)
    size = _asks_bucket(S3Storage.size)
    get_modified_time = _asks_bucket(S3Storage.get_modified_time)

    def walk(self, folder: str) -> Iterator[tuple[str, float]]:
        """Yield name and modification time (Unix seconds) of every object below a folder.

        Objects that are added or removed meanwhile may or may not be among them.
        """
        outside = len(self._normalize_name(folder)) - len(folder)
        page: dict[str, Any] = {"Prefix": f"{self._normalize_name(folder)}/", "MaxKeys": PAGE}
        while page:
            found = self._page(**page)
            for one in found.get("Contents", []):
                yield one["Key"][outside:], one["LastModified"].timestamp()
            token = found.get("NextContinuationToken")
            page = {**page, "ContinuationToken": token} if token else {}

    @_asks_bucket
    def _page(self, **options: Any) -> dict[str, Any]:
        client = self.connection.meta.client
        return dict(client.list_objects_v2(Bucket=self.bucket_name, **options))

    @_asks_bucket
    def move(self, name: str, target: str) -> None:
        """Rename an object: copy and delete it; raises ``FileNotFoundError``."""
        source = {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}
        # The managed copy uses a multipart copy for large objects.
        self.bucket.Object(self._normalize_name(target)).copy(source)
        self.bucket.Object(source["Key"]).delete()

    @_asks_bucket
    def _open(self, name: str, mode: str = "rb") -> Stream:
        """Open an object, always for reading bytes, without downloading it as a whole."""
        thing = self.bucket.Object(self._normalize_name(name))
        thing.load()
        return Stream(thing)


class Stream(io.RawIOBase):
    """Seekable reader of an object: the first read after a seek requests the bytes from there on.

    Args:
        thing: The boto3 object, loaded.
    """

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

    # Reads happen in the middle of a response and are short, so they may wait for a place.
    read = _asks_bucket(_read, patience=PLACE_SECONDS)

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hang_up(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
