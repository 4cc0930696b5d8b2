"""A workbook's archive: which part holds the table, and a copy with that part changed.

All other parts are copied as they are: charts, pivot tables, pictures, styles and other sheets
are not even looked at.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from posixpath import join, normpath
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812

from creativefilter.tables.errors import TableFileError

WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
TYPES = "[Content_Types].xml"
CHAIN = "xl/calcChain.xml"
STRINGS = "xl/sharedStrings.xml"

MAX_UNPACKED = 1 << 30
# Tables shrink to a tenth, hardly ever to a hundredth; zeros shrink to a thousandth.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 32 << 20
MAX_PARTS = 10_000
# What is read as a whole: the list of sheets and the like.
MAX_SMALL = 8 << 20
MAX_STRINGS = 128 << 20
_ENCRYPTED = 0x1  # of ZipInfo.flag_bits
_FIRST_YEAR = 1980  # that an archive can name


@contextmanager
def opened(file: IO[bytes]) -> Iterator[ZipFile]:
    """A workbook whose directory was checked. Raises ``TableFileError``, also for what is
    stumbled over while it is open."""
    try:
        file.seek(0)
        with ZipFile(file) as archive:
            _check(archive, file.seek(0, 2))
            yield archive
    except (BadZipFile, ZlibError, ParseError, EOFError, NotImplementedError, KeyError) as error:
        raise TableFileError("table_damaged") from error


def _check(archive: ZipFile, packed: int) -> None:
    """By the directory alone: no more than it names is ever read of a part."""
    members = archive.infolist()
    names = {member.filename for member in members}
    if WORKBOOK not in names:
        raise TableFileError("table_not_a_table")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise TableFileError("table_macros")
    if len(names) < len(members) or any(member.flag_bits & _ENCRYPTED for member in members):
        raise TableFileError("table_damaged")
    size = sum(member.file_size for member in members)
    strings = sum(member.file_size for member in members if member.filename == STRINGS)
    if (
        size > MAX_UNPACKED
        or (size > RATIO_COUNTS_FROM and size > MAX_RATIO * packed)
        or strings > MAX_STRINGS
        or len(members) > MAX_PARTS
    ):
        raise TableFileError("table_too_large")


def sheets(archive: ZipFile) -> list[str]:
    """The parts of the worksheets, in the order of the workbook."""
    targets = {
        relation.get("Id"): normpath(join("xl", relation.get("Target", ""))).lstrip("/")
        for relation in _small(archive, RELATIONS)
        if relation.get("Type", "").endswith("/worksheet")
    }
    found = []
    for element in _small(archive, WORKBOOK).iter():
        if element.tag.rpartition("}")[2] == "sheet":
            key = next((v for k, v in element.items() if k.endswith("}id")), None)
            if targets.get(key) in archive.namelist():
                found.append(targets[key])
    return found


def _small(archive: ZipFile, part: str) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(_read(archive, part))
    except DefusedXmlException as error:
        raise TableFileError("table_damaged") from error


def _read(archive: ZipFile, part: str) -> bytes:
    if archive.getinfo(part).file_size > MAX_SMALL:
        raise TableFileError("table_damaged")
    return archive.read(part)


def copy(
    archive: ZipFile, target: IO[bytes], changed: Mapping[str, Any], *, without_chain: bool
) -> None:
    """Copies an archive; ``changed`` has a function for a part, which gets both streams.

    ``without_chain`` leaves out the list of formulas, which spreadsheet programs make anew.
    """
    if without_chain and CHAIN in archive.namelist():
        changed = {**changed, TYPES: _unlisted, RELATIONS: _unlisted}
    else:
        without_chain = False
    with ZipFile(target, "w", ZIP_DEFLATED) as new:
        for member in archive.infolist():
            if without_chain and member.filename == CHAIN:
                continue
            with archive.open(member) as source, new.open(_like(member), "w") as stream:
                changed.get(member.filename, _as_it_is)(source, stream)


def _like(member: ZipInfo) -> ZipInfo:
    date = member.date_time if member.date_time[0] >= _FIRST_YEAR else (1980, 1, 1, 0, 0, 0)
    info = ZipInfo(member.filename, date)
    info.compress_type = ZIP_STORED if member.compress_type == ZIP_STORED else ZIP_DEFLATED
    info.external_attr = member.external_attr
    # Where it does not fit, the archive needs another form from the beginning.
    info.file_size = 2 * member.file_size
    return info


def _as_it_is(source: IO[bytes], target: IO[bytes]) -> None:
    shutil.copyfileobj(source, target, 1 << 16)


def _unlisted(source: IO[bytes], target: IO[bytes]) -> None:
    """Without the entry that names the list of formulas."""
    text = source.read(MAX_SMALL)
    target.write(re.sub(rb"<[^<>]*calcChain\.xml[^<>]*/>", b"", text))
