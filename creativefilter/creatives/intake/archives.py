"""Zip archives of creatives: opened with care, one member after another."""

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
# The list of what is in it is read at once: so many bytes of it. A name may have 400 of them.
DIRECTORY_MAX = 400 * MEMBERS_MAX
CHUNK = 1024 * 1024
# Members up to this size never touch the disk twice.
SPOOLED = 8 * 1024 * 1024
_UTF8_NAME = 0x800
# Bytes before a member's content, without its name: APPNOTE.TXT of PKWARE, 4.3.7.
LOCAL_HEADER = 30
# ValueError: names and numbers that are none; struct.error: a record that is cut.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
    ValueError, struct.error,
)  # fmt: skip


def names_archive(name: str) -> bool:
    """Whether a file is to be unpacked rather than decoded; its content has to agree."""
    return PurePosixPath(name).suffix.lower() == ".zip"


@contextmanager
def opened(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """The archive, for ``members`` and ``extracted``. Raises ``CodedError``."""
    try:
        archive = zipfile.ZipFile(_Bounded(file))
    except CodedError:
        raise
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, struct.error) as error:
        raise CodedError("bad_archive") from error
    with archive:
        yield archive


class _Bounded:
    """A file of which nobody reads much at once: the directory of an archive may be made to fill
    the memory. Raises ``CodedError``."""

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
    """What is in it, without folders and what systems add unseen. Raises ``CodedError``."""
    # Not ``is_dir``, which fails on a name without a letter.
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
    """Whether bytes of the archive belong to several members: so a little unpacks to terabytes."""
    ordered = sorted(members, key=lambda info: info.header_offset)
    return any(
        one.header_offset + LOCAL_HEADER + one.compress_size > following.header_offset
        for one, following in itertools.pairwise(ordered)
    )


def name_of(info: zipfile.ZipInfo) -> str:
    """The member's name without its folders; Windows in Russia writes it in its own letters."""
    name = info.filename
    if not info.flag_bits & _UTF8_NAME:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("cp866")
    return PurePosixPath(name.replace("\\", "/")).name


@contextmanager
def extracted(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> Iterator[File[bytes]]:
    """A member as a file of its own, gone afterwards. Raises ``CodedError``, past ``most`` bytes.

    If the archive says that it is smaller, that is not believed: bytes are counted as they come.
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
            # Our own disk or the storage, and not a place before the beginning of the file.
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
