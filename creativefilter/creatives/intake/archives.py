"""Zip archives of creatives, read with limits on members, sizes and the central directory."""

from __future__ import annotations

import errno
import itertools
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import IO

from django.core.files.base import File

from creativefilter.site.codes import CodedError

MEMBERS_MAX = 10_000
# Limit in bytes of the central directory, which zipfile reads at once: 400 for each member.
DIRECTORY_MAX = 400 * MEMBERS_MAX
CHUNK = 1024 * 1024
# Members up to this size are unpacked in memory, larger ones in a temporary file.
SPOOLED = 8 * 1024 * 1024
_UTF8_NAME = 0x800
# Bytes before a member's content, without its name: APPNOTE.TXT of PKWARE, 4.3.7.
LOCAL_HEADER = 30
# ValueError: invalid names and numbers; struct.error: a truncated record.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
    ValueError, struct.error,
)  # fmt: skip


def names_archive(name: str) -> bool:
    """Return whether the extension is that of an archive. ``opened`` checks the content."""
    return PurePosixPath(name).suffix.lower() == ".zip"


@contextmanager
def opened(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Open an archive, for ``members`` and ``extracted``.

    Raises:
        CodedError: ``bad_archive``, or ``archive_too_many_files`` if its directory is too long.
    """
    try:
        archive = zipfile.ZipFile(_Bounded(file))
    except CodedError:
        raise
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, struct.error) as error:
        raise CodedError("bad_archive") from error
    with archive:
        yield archive


class _Bounded:
    """A file that refuses large reads: a forged central directory could fill the memory.

    ``read`` raises ``CodedError`` beyond ``DIRECTORY_MAX`` bytes.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(DIRECTORY_MAX + 1 if size < 0 else min(size, DIRECTORY_MAX + 1))
        if len(content) > DIRECTORY_MAX:
            raise _too_many()
        return content


def _too_many() -> CodedError:
    return CodedError("archive_too_many_files", limit=MEMBERS_MAX)


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """List the files of an archive, without folders and files that operating systems hide in it.

    Raises:
        CodedError: ``archive_empty``, ``archive_too_many_files`` or ``archive_overlap``.
    """
    # ``is_dir`` fails on an empty name.
    files = [info for info in archive.infolist() if not info.filename.endswith("/")]
    found = [info for info in files if not _unseen(info)]
    if not found:
        raise CodedError("archive_empty")
    if len(found) > MEMBERS_MAX:
        raise _too_many()
    if _overlap(archive.infolist()):
        raise CodedError("archive_overlap")
    return found


def _overlap(members: Sequence[zipfile.ZipInfo]) -> bool:
    """Return whether members share bytes: so a small archive could unpack to terabytes."""
    ordered = sorted(members, key=lambda info: info.header_offset)
    return any(
        one.header_offset + LOCAL_HEADER + one.compress_size > after.header_offset
        for one, after in itertools.pairwise(ordered)
    )


def name_of(info: zipfile.ZipInfo) -> str:
    """Return a member's name without its folders; Russian Windows writes names in cp866."""
    name = info.filename
    if not info.flag_bits & _UTF8_NAME:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("cp866")
    return PurePosixPath(name.replace("\\", "/")).name


@contextmanager
def extracted(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> Iterator[File[bytes]]:
    """Unpack a member into a temporary file.

    Args:
        archive: the archive from ``opened``.
        info: one of its ``members``.
        most: limit in bytes. Unpacked bytes are counted: the size in the archive may be false.

    Raises:
        CodedError: ``archive_locked``, ``too_large`` or ``archive_member_damaged``.
        OSError: The disk or the storage failed.
    """
    if info.flag_bits & 0x1:
        raise CodedError("archive_locked")
    if info.file_size > most:
        raise CodedError("too_large")
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as aside:
        size = 0
        try:
            with archive.open(info) as packed:
                while chunk := packed.read(CHUNK):
                    size += len(chunk)
                    if size > most:
                        raise CodedError("too_large")
                    aside.write(chunk)
        except (*_DAMAGED, OSError) as error:
            # Errors of the disk or the storage pass. A damaged archive causes EINVAL, by a seek
            # before the start of the file, or an error without a number (bz2).
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            raise CodedError("archive_member_damaged") from error
        aside.seek(0)
        yield File(aside, name=name_of(info))


def _unseen(info: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    return (
        "__MACOSX" in parts
        or any(part.startswith(".") for part in parts[-1:])
        or (parts[-1:] == ("Thumbs.db",))
    )
