"""A worksheet's XML cut into its rows, as a stream of bytes.

The parser sees all but the rows, so that a damaged sheet is found out; rows have readers of their
own (``xlsx_cells``, ``xlsx_places``).
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
_OUTSIDE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)


class SheetStream:
    """A worksheet as a stream of bytes: what stands before a row, and the row, in turn."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._parser = Parser()
        self.read = 0
        # "x:" where the elements are called "x:row".
        self.prefix = ""
        # Ranges of cells that are one, as far as they were read.
        self.merged: list[str] = []
        self._parser.parser.StartElementHandler = self._start

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "mergeCell":
            self.merged.append(attributes.get("ref", ""))

    def pieces(self) -> Iterator[tuple[bytes, bytes]]:
        """(bytes before a row, the row); b"" where there is none. Raises ``SheetError``."""
        before, behind = self._prologue()
        yield self._seen(before), b""
        if before.endswith(b">") and not before.endswith(b"/>"):
            behind = yield from self._data(behind)
        while behind:
            yield self._seen(behind), b""
            behind = self._more()
        self._parser.parse(b"", last=True)

    def _data(self, buffer: bytes) -> Generator[tuple[bytes, bytes], None, bytes]:
        """The rows; returns what was read behind them."""
        data_end = f"</{self.prefix}sheetData".encode()
        row_end = f"</{self.prefix}row>".encode()
        while True:
            if _is_odd(buffer):
                # A comment may hold anything, also the end of a row.
                buffer += self._rest()
                end = _masked(buffer).find(data_end)
                break
            end = buffer.find(data_end)
            if end >= 0:
                break
            cut = buffer.rfind(row_end) + len(row_end)
            if cut >= len(row_end):
                yield from self._rows(buffer[:cut], row_end)
                buffer = buffer[cut:]
            block = self._more()
            if not block or len(buffer) > limits.MAX_ROW_BYTES:
                raise SheetError("table_damaged")
            buffer += block
        if end < 0:
            raise SheetError("table_damaged")
        yield from self._rows(buffer[:end], row_end)
        return buffer[end:]

    def _rows(self, block: bytes, row_end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Whole rows, and what stands between them."""
        if _is_odd(block):
            yield from self._loose_rows(block)
            return
        row_start = row_end.replace(b"</", b"<").replace(b">", b" ")
        chunks = block.split(row_end)
        rest = chunks.pop()
        for chunk in chunks:
            # A row that is blank may be without an end of its own: then there are two here.
            if chunk.startswith(row_start) and chunk.rfind(row_start) == 0:
                yield b"", chunk + row_end
            else:
                yield from self._loose_rows(chunk + row_end)
        if rest:
            yield from self._loose_rows(rest)

    def _loose_rows(self, block: bytes) -> Iterator[tuple[bytes, bytes]]:
        at = 0
        prefix = re.escape(self.prefix.encode())
        for found in _row_pattern(prefix).finditer(_masked(block)):
            before = block[at : found.start()]
            yield self._seen(before) if before else b"", block[found.start() : found.end()]
            at = found.end()
        if at < len(block):
            yield self._seen(block[at:]), b""

    def _seen(self, piece: bytes) -> bytes:
        self._parser.parse(piece)
        return piece

    def _more(self) -> bytes:
        block = self._file.read(limits.BLOCK)
        self.read += len(block)
        return block

    def _rest(self) -> bytes:
        rest = self._file.read(2 * limits.MAX_ROW_BYTES)
        self.read += len(rest)
        if len(rest) == 2 * limits.MAX_ROW_BYTES:
            raise SheetError("table_damaged")
        return rest

    def _prologue(self) -> tuple[bytes, bytes]:
        """All down to the place of the rows and with its tag, and what was read behind it."""
        buffer = b""
        while (found := _SHEET_DATA.search(buffer)) is None:
            block = self._more()
            if not buffer and block.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise SheetError("table_damaged")
            if not block:
                return b"", buffer
            buffer += block
            if len(buffer) > limits.MAX_SMALL_PART:
                raise SheetError("table_damaged")
        self.prefix = f"{found[1].decode()}:" if found[1] else ""
        return buffer[: found.end()], buffer[found.end() :]


def _is_odd(block: bytes) -> bool:
    """Whether there may be comments or such, which spreadsheet programs don't write."""
    return b"<!" in block or b"<?" in block


def _masked(block: bytes) -> bytes:
    """The same with blanks for comments and such."""
    return _OUTSIDE.sub(lambda found: b" " * len(found[0]), block) if _is_odd(block) else block


@lru_cache(maxsize=8)
def _row_pattern(prefix: bytes) -> re.Pattern[bytes]:
    tag = rb"<" + prefix + rb"row(?=[\s/>])(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+"
    return re.compile(tag + rb"(?:(?<=/)>|>.*?</" + prefix + rb"row\s*>)", re.DOTALL)


def row_number(row: bytes) -> int | None:
    """The number that a row gives itself."""
    if row.startswith(b'<row r="'):
        digits = row[8 : row.find(b'"', 8)]
        return int(digits) if digits.isdigit() and len(digits) < 8 else None
    match = _NUMBER_OF_ROW.search(row, 0, row.find(b">"))
    return int(match[1]) if match else None
