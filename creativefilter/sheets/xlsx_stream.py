"""Splitting of a worksheet's XML into its rows, as a stream of bytes.

Everything but the rows goes through an XML parser, which detects damaged sheets. The rows are read
by ``xlsx_cells`` and ``xlsx_places``.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import IO

from creativefilter.sheets import limits
from creativefilter.sheets.errors import SheetError
from creativefilter.sheets.xlsx_package import Parser

_ATTRIBUTES = rb"(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*"
_SHEET_DATA = re.compile(rb"<(?:([\w.-]+):)?sheetData" + _ATTRIBUTES + rb"(/?)>")
_NUMBER_OF_ROW = re.compile(rb"\sr\s*=\s*[\"'](\d{1,7})[\"']")
# An unclosed comment matches to the end of the text. Without "\Z", the end of each of many unclosed
# comments would be searched for in all that follows, which takes quadratic time.
_NOT_ELEMENTS = re.compile(
    rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL
)


class SheetStream:
    """A worksheet as a stream of rows, with the bytes between them.

    ``read`` is the number of bytes read so far.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._parser = Parser()
        self.read = 0
        # Namespace prefix of the elements: "x:" if rows are called "x:row".
        self.prefix = ""
        # Ranges of merged cells; they follow the rows.
        self.merged: list[str] = []
        self._parser.parser.StartElementHandler = self._start

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "mergeCell":
            self.merged.append(attributes.get("ref", ""))

    def pieces(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (bytes before a row, the row) for the whole sheet; either may be b"".

        Raises:
            SheetError: the sheet is damaged.
        """
        before, after = self._prologue()
        yield self._parsed(before), b""
        if before.endswith(b">") and not before.endswith(b"/>"):
            after = yield from self._data(after)
        while after:
            yield self._parsed(after), b""
            after = self._read_block()
        self._parser.parse(b"", last=True)

    def _data(self, buffer: bytes) -> Generator[tuple[bytes, bytes], None, bytes]:
        """Yield the rows; return the bytes that were read after them."""
        data_end = f"</{self.prefix}sheetData".encode()
        row_end = f"</{self.prefix}row>".encode()
        while True:
            if _has_comments(buffer):
                # A comment may contain anything, also an end tag of a row.
                buffer += self._read_rest()
                end = _masked(buffer).find(data_end)
                break
            end = buffer.find(data_end)
            if end >= 0:
                break
            cut = buffer.rfind(row_end) + len(row_end)
            if cut >= len(row_end):
                yield from self._rows(buffer[:cut], row_end)
                buffer = buffer[cut:]
            block = self._read_block()
            if not block or len(buffer) > limits.MAX_ROW_BYTES:
                raise SheetError("table_damaged")
            buffer += block
        if end < 0:
            raise SheetError("table_damaged")
        yield from self._rows(buffer[:end], row_end)
        return buffer[end:]

    def _rows(self, block: bytes, row_end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the whole rows of a block, with the bytes between them."""
        if _has_comments(block):
            yield from self._matched_rows(block)
            return
        row_start = row_end.replace(b"</", b"<").replace(b">", b" ")
        chunks = block.split(row_end)
        rest = chunks.pop()
        for chunk in chunks:
            # A blank row may be "<row …/>", without an end tag: then the chunk has two rows.
            if chunk.startswith(row_start) and chunk.rfind(row_start) == 0:
                yield b"", chunk + row_end
            else:
                yield from self._matched_rows(chunk + row_end)
        if rest:
            yield from self._matched_rows(rest)

    def _matched_rows(self, block: bytes) -> Iterator[tuple[bytes, bytes]]:
        at, masked = 0, _masked(block)
        row_tag, row_end = _row_patterns(self.prefix)
        while found := row_tag.search(masked, at):
            end = found.end()
            if not found[0].endswith(b"/>"):
                closed = row_end.search(masked, end)
                if closed is None:
                    break
                end = closed.end()
            before = block[at : found.start()]
            yield self._parsed(before) if before else b"", block[found.start() : end]
            at = end
        if at < len(block):
            yield self._parsed(block[at:]), b""

    def _parsed(self, piece: bytes) -> bytes:
        self._parser.parse(piece)
        return piece

    def _read_block(self) -> bytes:
        block = self._file.read(limits.BLOCK)
        self.read += len(block)
        return block

    def _read_rest(self) -> bytes:
        rest = self._file.read(2 * limits.MAX_ROW_BYTES)
        self.read += len(rest)
        if len(rest) == 2 * limits.MAX_ROW_BYTES:
            raise SheetError("table_damaged")
        return rest

    def _prologue(self) -> tuple[bytes, bytes]:
        """Return the bytes up to the sheetData tag, inclusive, and the bytes read after it."""
        buffer = b""
        while (found := _SHEET_DATA.search(buffer)) is None:
            block = self._read_block()
            if not buffer and block.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise SheetError("table_damaged")
            if not block:
                return b"", buffer
            buffer += block
            if len(buffer) > limits.MAX_SMALL_PART:
                raise SheetError("table_damaged")
        self.prefix = f"{found[1].decode()}:" if found[1] else ""
        return buffer[: found.end()], buffer[found.end() :]


def _has_comments(block: bytes) -> bool:
    """Return whether there may be comments, CDATA or processing instructions.

    Spreadsheet programs don't write them.
    """
    return b"<!" in block or b"<?" in block


def _masked(block: bytes) -> bytes:
    """Replace comments, CDATA and processing instructions by as many blanks."""
    return (
        _NOT_ELEMENTS.sub(lambda found: b" " * len(found[0]), block)
        if _has_comments(block)
        else block
    )


@lru_cache(maxsize=8)
def _row_patterns(prefix: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return patterns for the tag that begins a row and for the one that ends it."""
    name = re.escape(prefix.encode()) + b"row"
    return (
        re.compile(rb"<" + name + rb"(?=[\s/>])(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>"),
        re.compile(rb"</" + name + rb"\s*>"),
    )


def row_number(row: bytes) -> int | None:
    """Return the row's number by its attribute "r"; None without one."""
    if row.startswith(b'<row r="'):
        digits = row[8 : row.find(b'"', 8)]
        return int(digits) if digits.isdigit() and len(digits) < 8 else None
    match = _NUMBER_OF_ROW.search(row, 0, row.find(b">"))
    return int(match[1]) if match else None
