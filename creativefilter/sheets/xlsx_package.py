"""Parts of an XLSX workbook: list of sheets, shared strings, and the styles that are dates."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from posixpath import join, normpath
from typing import IO
from xml.etree.ElementTree import Element
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZipFile

from creativefilter.sheets import limits
from creativefilter.sheets.errors import SheetError

TYPES = "[Content_Types].xml"
_ROOT = "_rels/.rels"
_DEFAULT_MAIN_PART = "xl/workbook.xml"
# Built-in number formats of Excel that are dates or times (ECMA-376, 18.8.30).
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
# Literal parts of a number format: quoted text, colours and conditions in brackets, escaped
# characters.
_NOT_FORMAT = re.compile(r'"[^"]*"|\[(?!h+\]|m+\]|s+\])[^\[\]]*\]|\\.|_.|\*.', re.IGNORECASE)
# How workbooks write characters that XML does not allow.
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# Shared strings that are cached as Python strings.
_MAX_CACHED = 50_000


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A worksheet: its name, its part of the archive, and whether Excel shows it."""

    name: str
    part: str
    visible: bool


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a workbook's archive contains besides the rows of its sheets.

    ``relations`` is the part with the workbook's relationships, ``chain`` the part with the list of
    formulas (calcChain).
    """

    sheets: list[SheetPart]
    relations: str
    chain: str | None
    strings: Strings
    # Indexes of the cell styles that show a number as a date, as they are written in cells.
    date_styles: frozenset[str]
    # Whether day 0 is 1904-01-01.
    epoch_1904: bool
    has_macros: bool


def read_workbook(archive: ZipFile) -> Workbook:
    """Read the workbook's parts, without the rows.

    Raises:
        SheetError: the archive is no workbook, is damaged or too large.
    """
    names = set(archive.namelist())
    main = _main_part(archive, names)
    relations = join(main.rpartition("/")[0], "_rels", main.rpartition("/")[2] + ".rels")
    if main not in names or relations not in names:
        raise SheetError("table_no_workbook")
    root = _xml(archive, main)
    targets = _targets(archive, main, relations)

    def part(kind: str) -> str | None:
        return next((t for k, t in targets.values() if k == kind and t in names), None)

    sheets = [
        SheetPart(element.get("name", ""), target, element.get("state", "visible") == "visible")
        for element in root.iter()
        if _local(element) == "sheet"
        for kind, target in [targets.get(_relation_of(element), ("", ""))]
        if kind == "worksheet" and target in names
    ]
    if not sheets:
        raise SheetError("table_no_workbook")
    strings, styles = part("sharedStrings"), part("styles")
    if strings and archive.getinfo(strings).file_size > limits.MAX_SHARED_STRINGS:
        raise SheetError("table_too_large", limit=limits.MAX_SHARED_STRINGS >> 20)
    return Workbook(
        sheets,
        relations,
        part("calcChain"),
        Strings(archive, strings),
        _date_styles(_xml(archive, styles)) if styles else frozenset(),
        any(
            _local(element) == "workbookPr" and element.get("date1904") in ("1", "true")
            for element in root.iter()
        ),
        any(name.lower().endswith("vbaproject.bin") for name in names),
    )


def _main_part(archive: ZipFile, names: set[str]) -> str:
    if _ROOT in names:
        for relation in _xml(archive, _ROOT):
            if relation.get("Type", "").endswith("/officeDocument"):
                return normpath(relation.get("Target", "")).lstrip("/")
    return _DEFAULT_MAIN_PART


def _targets(archive: ZipFile, main: str, relations: str) -> dict[str, tuple[str, str]]:
    """Return the type and the part of each relationship of the workbook, by its Id."""
    folder = main.rpartition("/")[0]
    return {
        relation.get("Id", ""): (
            relation.get("Type", "").rpartition("/")[2],
            normpath(join("/", folder, relation.get("Target", ""))).lstrip("/"),
        )
        for relation in _xml(archive, relations)
    }


def _relation_of(element: Element) -> str:
    return next((value for name, value in element.items() if name.endswith("}id")), "")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _xml(archive: ZipFile, part: str) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if archive.getinfo(part).file_size > limits.MAX_SMALL_PART:
        raise SheetError("table_damaged")
    try:
        root: Element = fromstring(archive.read(part))
    except (DefusedXmlException, ValueError) as error:
        raise SheetError("table_damaged") from error
    return root


def _date_styles(root: Element) -> frozenset[str]:
    """Return the indexes of the cell styles whose number format is a date."""
    own = {
        element.get("numFmtId", ""): element.get("formatCode", "")
        for element in root.iter()
        if _local(element) == "numFmt"
    }
    cells = next((each for each in root if _local(each) == "cellXfs"), None)
    found = set()
    for number, style in enumerate(cells if cells is not None else ()):
        key = style.get("numFmtId", "0")
        if key in own:
            is_date = is_date_format(own[key])
        else:
            is_date = key.isdecimal() and int(key) in _DATE_FORMATS
        if is_date:
            found.add(str(number))
    return frozenset(found)


def is_date_format(code: str) -> bool:
    """Return whether a number format shows days, months, years, hours or seconds."""
    positive = _NOT_FORMAT.sub("", code.partition(";")[0]).lower()
    return "general" not in positive and any(sign in positive for sign in "dmyhs")


class Parser:
    """Expat parser that refuses document types (entities) and other encodings than UTF-8."""

    def __init__(self) -> None:
        self.parser = ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.XmlDeclHandler = self._declared

    def refuse(self, *_arguments: object) -> None:
        """Refuse the document.

        Raises:
            SheetError: always.
        """
        raise SheetError("table_damaged")

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "us-ascii"):
            self.refuse()

    def parse(self, block: bytes, *, last: bool = False) -> None:
        """Parse the next bytes.

        Raises:
            SheetError: the XML is damaged.
        """
        try:
            self.parser.Parse(block, last)
        except ExpatError as error:
            raise SheetError("table_damaged") from error


class Strings:
    """Shared strings of a workbook, kept as one block of UTF-8 to save memory.

    The part is read at the first access.
    """

    def __init__(self, archive: ZipFile, part: str | None) -> None:
        self._archive, self._part = archive, part
        self._bytes, self._ends = bytearray(), array("Q")
        # Recently used strings, by their index as it is written in cells.
        self.cache: dict[str, str] = {}

    def __getitem__(self, number: str) -> str:
        """Return a string by its index as it is written in a cell. Raises ``SheetError``."""
        text = self.cache.get(number)
        if text is None:
            text = self._text(number)
            if len(self.cache) >= _MAX_CACHED:
                self.cache.clear()
            self.cache[number] = text
        return text

    def _text(self, number: str) -> str:
        if self._part:
            part, self._part = self._part, None
            with self._archive.open(part) as file:
                _TextParser(self._add).read(file)
        place = int(number) if number.isdecimal() and len(number) < 10 else -1
        if not 0 <= place < len(self._ends):
            raise SheetError("table_damaged")
        start = self._ends[place - 1] if place else 0
        return self._bytes[start : self._ends[place]].decode()

    def _add(self, text: str) -> None:
        self._bytes += unescaped(text).encode()
        self._ends.append(len(self._bytes))


class _TextParser(Parser):
    """Passes the text of each ``si`` element to ``on_text``, without phonetic runs (``rPh``)."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        super().__init__()
        self.on_text = on_text
        self.texts: list[str] = []
        self.phonetic = False
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end

    def read(self, file: IO[bytes]) -> None:
        while block := file.read(limits.BLOCK):
            self.parse(block)
        self.parse(b"", last=True)

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "t" and not self.phonetic:
            self.parser.CharacterDataHandler = self.texts.append
        elif local == "rPh":
            self.phonetic = True

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local == "t":
            self.parser.CharacterDataHandler = None
        elif local == "rPh":
            self.phonetic = False
        elif local == "si":
            self.on_text("".join(self.texts))
            self.texts.clear()


def unescaped(text: str) -> str:
    """Replace the escapes that workbooks use for control characters, such as "_x000D_"."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: character(int(match[1], 16)), text)


def character(code: int) -> str:
    """Return a character by its number; U+FFFD for a surrogate, which can't be encoded."""
    return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
