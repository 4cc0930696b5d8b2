"""Detection of a table's file format, and access to its unpacked bytes.

The content decides, never the file name. Archives are read in blocks and refused as soon as the
unpacked bytes exceed the limits, so a decompression bomb fills neither memory nor disk.
"""

from __future__ import annotations

import errno
import gzip
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import IO, Any, TypeVar, cast
from xml.etree.ElementTree import ParseError

from creativefilter.sheets import limits
from creativefilter.sheets.errors import SheetError

_HEAD = 4096
_OLE = b"\xd0\xcf\x11\xe0"
# Streams of an OLE file (the container of .xls) whose names tell what the file is.
_OLE_STREAMS = ("EncryptedPackage", "WordDocument", "Workbook", "Book")
_ENCRYPTED = 0x1  # of ZipInfo.flag_bits
# Suffixes of tables within zip archives, and of files that upload forms offer beside .zip. A file
# that is not in an archive is read whatever its name is.
TABLE_SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".gz")


class Kind(StrEnum):
    """File format of the table itself, without its packing."""

    CSV = "csv"
    XLSX = "xlsx"
    XLS = "xls"
    XLSB = "xlsb"
    ODS = "ods"


@dataclass(frozen=True, slots=True)
class Source:
    """A table without its packing.

    ``name`` is the format with its packing ("csv", "csv.gz", "zip", "xlsx" …). ``open`` returns the
    unpacked bytes from the beginning; for workbooks the stream is seekable. ``packed`` is the
    number of bytes before unpacking.
    """

    kind: Kind
    name: str
    open: Callable[[], IO[bytes]]
    packed: int


Item = TypeVar("Item")

# Exceptions that libraries raise on damaged files.
_DAMAGED = (
    ValueError, EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, struct.error,
    ParseError, KeyError, NotImplementedError, RuntimeError, OverflowError, lzma.LZMAError,
)  # fmt: skip


@contextmanager
def translated() -> Iterator[None]:
    """Turn the exceptions that libraries raise on damaged files into ``SheetError``.

    The block must only read the file: callbacks of clients would have their exceptions hidden.

    Raises:
        SheetError: the file is damaged.
    """
    try:
        yield
    except SheetError:
        raise
    except _DAMAGED as error:
        raise SheetError("table_damaged") from error
    except OSError as error:
        # EINVAL: seek to a negative position. None: raised by bz2, without an errno.
        if error.errno not in (errno.EINVAL, None):
            raise
        raise SheetError("table_damaged") from error


def guarded(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; exceptions of the iterator pass through ``translated``."""
    with translated():
        yield from items


@contextmanager
def unpacked(file: IO[bytes]) -> Iterator[Source]:
    """Find the table in a seekable file. Temporary files are removed at the end of the block.

    Raises:
        SheetError: the file is no table; the error names the detected format.
    """
    with ExitStack() as stack:
        with translated():
            source = _source(file, stack, 0)
        yield source


def check_size(size: int, packed: int) -> None:
    """Check the number of unpacked bytes so far, and their ratio to the packed bytes.

    Raises:
        SheetError: more bytes than ``limits.MAX_UNPACKED``, or a ratio that no table reaches.
    """
    if size > limits.MAX_UNPACKED or (
        size > limits.RATIO_COUNTS_FROM and size > limits.MAX_RATIO * packed
    ):
        raise SheetError("table_too_large", limit=limits.MAX_UNPACKED >> 20)


def _source(file: IO[bytes], stack: ExitStack, depth: int) -> Source:
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        raise SheetError("empty")
    if head.startswith(b"\x1f\x8b"):
        return _gzip(file, stack, size, depth)
    if head.startswith(b"PK") and head[2:3] < b" ":
        return _zip(file, stack, size, depth)
    if head.startswith(_OLE):
        _check_ole(file)
        return Source(Kind.XLS, "xls", _rewound(file), size)
    refuse_by_head(head)
    return Source(Kind.CSV, "csv", _rewound(file), size)


def _rewound(file: IO[bytes]) -> Callable[[], IO[bytes]]:
    def open_again() -> IO[bytes]:
        file.seek(0)
        return file

    return open_again


def _gzip(file: IO[bytes], stack: ExitStack, size: int, depth: int) -> Source:
    def unpack() -> IO[bytes]:
        file.seek(0)
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))

    head = unpack().read(_HEAD)
    if not head:
        raise SheetError("empty")
    if head.startswith((b"PK", _OLE, b"\x1f\x8b")):
        inner = _nested(unpack(), stack, size, depth)
        return Source(inner.kind, f"{inner.kind}.gz", inner.open, inner.packed)
    refuse_by_head(head)
    return Source(Kind.CSV, "csv.gz", unpack, size)


def _zip(file: IO[bytes], stack: ExitStack, size: int, depth: int) -> Source:
    archive = stack.enter_context(opened_zip(file))
    names = {member.filename for member in archive.infolist()}
    if kind := _workbook_kind(archive, names):
        return Source(kind, str(kind), _rewound(file), size)
    table = _only_table(archive)
    with archive.open(table) as inside:
        head = inside.read(_HEAD)
    if not head:
        raise SheetError("empty")
    if head.startswith((b"PK", _OLE, b"\x1f\x8b")):
        inner = _nested(archive.open(table), stack, table.compress_size, depth)
        return Source(inner.kind, "zip", inner.open, inner.packed)
    refuse_by_head(head)
    return Source(Kind.CSV, "zip", lambda: archive.open(table), table.compress_size)


def _nested(packed: IO[bytes], stack: ExitStack, size: int, depth: int) -> Source:
    """Unpack a workbook or an archive within an archive into a temporary file."""
    if depth + 1 >= limits.MAX_NESTING:
        raise SheetError("table_archive", count=0)
    aside = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
    while block := packed.read(limits.BLOCK):
        aside.write(block)
        check_size(aside.tell(), size)
    return _source(cast(IO[bytes], aside), stack, depth + 1)


def _workbook_kind(archive: zipfile.ZipFile, names: set[str]) -> Kind | None:
    """Return the kind of workbook, None for an ordinary archive.

    Raises:
        SheetError: a document of another program.
    """
    lower = {name.lower() for name in names}
    if "mimetype" in names or "content.xml" in names:
        return _open_document(archive, names)
    if "[content_types].xml" in lower or any(name.startswith("xl/") for name in lower):
        for folder, kind in (("word/", "Word"), ("ppt/", "PowerPoint"), ("visio/", "Visio")):
            if any(name.startswith(folder) for name in lower):
                raise SheetError("table_document", kind=kind)
        if "xl/workbook.bin" not in lower:
            return Kind.XLSX
        if not any(name.startswith("xl/worksheets/") for name in lower):
            raise SheetError("table_no_workbook")
        return Kind.XLSB
    if any(name.endswith(".iwa") for name in lower):
        raise SheetError("table_document", kind="Apple iWork")
    return None


def _open_document(archive: zipfile.ZipFile, names: set[str]) -> Kind:
    kind = archive.read("mimetype")[:100].decode("ascii", "replace") if "mimetype" in names else ""
    if kind and "opendocument.spreadsheet" not in kind:
        raise SheetError("table_document", kind=kind.strip() or "ZIP")
    manifest = "META-INF/manifest.xml"
    if (
        manifest in names
        and archive.getinfo(manifest).file_size <= limits.MAX_SMALL_PART
        and b"encryption-data" in archive.read(manifest)
    ):
        raise SheetError("table_password")
    return Kind.ODS


def _only_table(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the only table of an archive; files that operating systems add do not count."""
    files = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not PurePosixPath(member.filename).name.startswith(".")
    ]
    tables = [file for file in files if file.filename.lower().endswith(TABLE_SUFFIXES)]
    if len(tables) != 1:
        raise SheetError("table_archive", count=len(tables))
    if tables[0].flag_bits & _ENCRYPTED:
        raise SheetError("table_archive_password")
    return tables[0]


@contextmanager
def opened_zip(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP archive and check its directory.

    ``zipfile`` reads no more bytes of a member than the directory states, so the sum of the sizes
    in the directory is a limit.

    Raises:
        SheetError: the archive is empty, has too many or duplicate members, or is too large.
    """
    file.seek(0)
    with zipfile.ZipFile(cast(Any, _Bounded(file))) as archive:
        members = archive.infolist()
        if not members:
            raise SheetError("table_archive", count=0)
        if len(members) > limits.MAX_PARTS or len({m.filename for m in members}) < len(members):
            raise SheetError("table_damaged")
        check_size(sum(member.file_size for member in members), file.seek(0, 2))
        yield archive


class _Bounded:
    """A file with limited reads, because ``zipfile`` reads the whole directory of an archive."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        most = limits.MAX_DIRECTORY + 1
        content = self._file.read(most if size < 0 else min(size, most))
        if len(content) >= most:
            raise SheetError("table_too_large", limit=limits.MAX_UNPACKED >> 20)
        return content


def _check_ole(file: IO[bytes]) -> None:
    """Check that an OLE file is an .xls workbook.

    Raises:
        SheetError: a workbook with a password, a document of another program, or a damaged file.
    """
    names = {name: name.encode("utf-16-le") for name in _OLE_STREAMS}
    file.seek(0)
    end, found = b"", set()
    while block := file.read(limits.BLOCK):
        found |= {name for name, wide in names.items() if wide in end + block}
        end = block[-64:]
    if "EncryptedPackage" in found:
        raise SheetError("table_password")
    if "WordDocument" in found:
        raise SheetError("table_document", kind="Word")
    if not {"Workbook", "Book"} & found:
        file.seek(0)
        head = file.read(52).ljust(52, b"\0")
        # First sector of the OLE directory; a truncated file ends before this sector.
        shift, sector = struct.unpack_from("<H", head, 30)[0], struct.unpack_from("<I", head, 48)[0]
        cut_off = (sector + 1) << min(shift, 16) >= file.seek(0, 2)
        raise SheetError("table_damaged" if cut_off else "table_no_workbook")


_ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip
_DOCUMENTS = {
    b"{\\rtf": "RTF", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF",
    b"SQLite format 3": "SQLite", b"PAR1": "Parquet", b"ID3": "MP3", b"RIFF": "WAV/AVI",
}  # fmt: skip


def refuse_by_head(head: bytes) -> None:
    """Refuse files of other formats by their first bytes.

    Raises:
        SheetError: an archive of an unsupported kind, a document, an HTML page, or a picture.
    """
    for start, kind in _ARCHIVES.items():
        if head.startswith(start):
            raise SheetError("table_packed", kind=kind)
    for start, kind in _DOCUMENTS.items():
        if head.startswith(start):
            raise SheetError("table_document", kind=kind)
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if text.startswith(b"%pdf"):
        raise SheetError("table_pdf")
    if text.startswith(b"<?xml") and b"office:spreadsheet" in text:
        raise SheetError("table_excel_xml")
    if text.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"mime-version:")) or (
        text.startswith(b"<") and b"<html" in text
    ):
        raise SheetError("table_html")
