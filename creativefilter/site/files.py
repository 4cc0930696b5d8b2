"""Read access to stored files, whether the storage is a local folder or a bucket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from django.db.models.fields.files import FieldFile

CHUNK = 1024 * 1024


class TooLongError(ValueError):
    """A file of a remote storage is longer than allowed."""


@contextmanager
def on_disk(file: FieldFile, most: int) -> Iterator[Path]:
    """Return a path under which this process can open the file until the block ends.

    A file of a remote storage is copied to an unnamed temporary file, which disappears even if the
    process is killed.

    Args:
        file: The stored file.
        most: Most bytes to copy from a remote storage.

    Raises:
        FileNotFoundError: A remote storage has no such file.
        TooLongError: A file of a remote storage is longer than ``most`` bytes.
        Unavailable: The remote storage does not answer.
    """
    try:
        here = Path(file.path)
    except NotImplementedError:
        with tempfile.TemporaryFile() as copy:
            _copy(file, copy, most)
            # Opening this path gives a new file position, at the beginning of the file.
            yield Path(f"/proc/self/fd/{copy.fileno()}")
    else:
        yield here


def _copy(file: FieldFile, target: BinaryIO, most: int) -> None:
    with streamed(file) as source:
        while chunk := source.read(CHUNK):
            if target.tell() + len(chunk) > most:
                raise TooLongError(f"{file.name}: more than {most} bytes")
            target.write(chunk)
    target.flush()


def streamed(file: FieldFile) -> BinaryIO:
    """Open a stored file for reading; remote files are not copied to memory or disk as a whole.

    Args:
        file: The stored file.

    Returns:
        A seekable binary file.

    Raises:
        FileNotFoundError: There is no such file.
        Unavailable: The remote storage does not answer; also raised when the file is read.
    """
    return cast(BinaryIO, file.storage.open(str(file.name), "rb"))
