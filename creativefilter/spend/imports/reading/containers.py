"""What kind of file this is, and its table's bytes without what packs them.

The content decides, not the name. Everything is read in blocks; what unpacks to more than the
limits is refused while it is being read, so a bomb costs neither memory nor disk.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from creativefilter.spend.imports.errors import SpendFileError

BLOCK = 1 << 20
MAX_UNPACKED = 2 << 30
# Tables shrink to a tenth, hardly ever to a hundredth; zeros shrink to a thousandth.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 64 << 20
# No row of a table is so long; a line without end must not be read into memory.
MAX_LINE = 1 << 20
# What openpyxl keeps in memory as a whole.
MAX_SHARED_STRINGS = 64 << 20

_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = 0x1  # of ZipInfo.flag_bits


Bytes = IO[bytes] | gzip.GzipFile


class Container(StrEnum):
    CSV = "csv"
    GZIP = "csv.gz"
    ZIP = "zip"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a file tells. ``size`` is in unpacked bytes.

    ``digest`` is the SHA-256 of the CSV table without its packing, or of the XLSX file.
    ``encoding`` is a codec's name, "" for XLSX.
    """

    container: Container
    encoding: str
    size: int
    digest: str


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the libraries raise on damaged files into ``SpendFileError``."""
    try:
        yield
    except FileNotFoundError as error:
        raise SpendFileError("spend_no_file") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise SpendFileError("spend_damaged") from error
    except NotImplementedError as error:  # a method of packing that Python does not know
        raise SpendFileError("spend_not_a_table") from error
    except OSError as error:
        raise SpendFileError("spend_no_file") from error


def survey(path: Path) -> Survey:
    """Looks at the whole file once. Raises ``SpendFileError``."""
    with translated():
        container = _container(path)
        if container == Container.XLSX:
            size = _check_directory(path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Survey(container, "", size, digest)
        with unpacked(path, container) as file:
            return _survey_text(file, container, path.stat().st_size)


@contextmanager
def unpacked(path: Path, container: Container) -> Iterator[Bytes]:
    """The table's bytes. What is damaged raises many errors: read it within ``translated``."""
    if container == Container.GZIP:
        with gzip.open(path) as file:
            yield file
    elif container == Container.ZIP:
        with zipfile.ZipFile(path) as archive, archive.open(_only_table(archive)) as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file


def _container(path: Path) -> Container:
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise SpendFileError("spend_empty")
    if head == _OLD_EXCEL:
        raise SpendFileError("spend_old_excel")
    if head[:2] == b"\x1f\x8b":
        return Container.GZIP
    if head[:2] != b"PK":
        return Container.CSV
    with zipfile.ZipFile(path) as archive:
        return Container.XLSX if "xl/workbook.xml" in archive.namelist() else Container.ZIP


def _check_directory(path: Path) -> int:
    """Unpacked bytes of a workbook by its directory; no more than these are ever read of it."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    size = sum(member.file_size for member in members)
    _check_size(size, path.stat().st_size)
    for member in members:
        if "sharedstrings" in member.filename.lower() and member.file_size > MAX_SHARED_STRINGS:
            raise _too_large(MAX_SHARED_STRINGS)
    return size


def _only_table(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one CSV file in an archive, beside what operating systems add to archives."""
    tables = [
        member
        for member in archive.infolist()
        if member.filename.lower().endswith((".csv", ".txt", ".tsv"))
        and not member.filename.startswith("__MACOSX/")
    ]
    if len(tables) != 1:
        raise SpendFileError("spend_archive", count=len(tables))
    [table] = tables
    if table.flag_bits & _ENCRYPTED:
        raise SpendFileError("spend_encrypted")
    _check_size(table.file_size, table.compress_size)
    return table


def _check_size(size: int, packed: int) -> None:
    if size > MAX_UNPACKED or (size > RATIO_COUNTS_FROM and size > MAX_RATIO * packed):
        raise _too_large(MAX_UNPACKED)


def _too_large(limit: int) -> SpendFileError:
    return SpendFileError("spend_too_large", limit=limit >> 20)


def _survey_text(file: Bytes, container: Container, packed: int) -> Survey:
    """UTF-8 if every byte agrees, else cp1251: a look at the beginning would not do, names in
    Cyrillic letters may come late."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding, size, line = "utf-8", 0, 0
    while block := file.read(BLOCK):
        if b"\0" in block:
            raise SpendFileError("spend_not_a_table")
        if size == 0 and block.startswith(codecs.BOM_UTF8):
            encoding = "utf-8-sig"
        size += len(block)
        _check_size(size, packed)
        last = max(block.rfind(b"\n"), block.rfind(b"\r"))
        line = line + len(block) if last < 0 else len(block) - last
        if line > MAX_LINE:
            raise SpendFileError("spend_not_a_table")
        digest.update(block)
        if encoding != "cp1251":
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                encoding = "cp1251"
    if size == 0:
        raise SpendFileError("spend_empty")
    if encoding != "cp1251" and decoder.getstate()[0]:  # it ends in the middle of a letter
        raise SpendFileError("spend_damaged")
    return Survey(container, encoding, size, digest.hexdigest())
