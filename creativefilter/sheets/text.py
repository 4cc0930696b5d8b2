"""One look at all bytes of a CSV file: its size, its digest, the encodings that it may be in."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from creativefilter.sheets import encodings, limits
from creativefilter.sheets.containers import Source, check_size
from creativefilter.sheets.errors import SheetError

UTF8 = "utf-8"
# Bytes of the lines that are shown to whoever guesses the encoding.
SAMPLE = 64 << 10
# And one in a thousand.
MAX_ZERO_BYTES = 10
# So many line numbers are kept for a finding.
EXAMPLES = 5
# Three letters of Russian in UTF-8; an old encoding has them where nothing can be read.
_RUSSIAN_UTF8 = re.compile(rb"(?:[\xd0\xd1][\x80-\xbf]){3}")
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the text of a file is encoded.

    ``main`` is the codec of the file, ``other`` that of the lines which are in another one ("" if
    there are none, or if theirs is not clear: then they can't be read). ``bom`` says that the file
    has a byte order mark. ``clean`` says that every byte is a letter of ``main``.
    """

    main: str
    other: str = ""
    bom: bool = False
    clean: bool = True

    @property
    def label(self) -> str:
        return "utf-8-sig" if self.main == UTF8 and self.bom else self.main


@dataclass(slots=True)
class Survey:
    """What one pass over a file tells. ``size`` is in bytes, ``digest`` their SHA-256.

    ``encodings``: those that it may be in, the likeliest first. ``mixed``: how many lines are in
    another encoding than the file, and the numbers of the first of them. ``zero_bytes``: a few are
    an accident, many are no text.
    """

    size: int = 0
    digest: str = ""
    encodings: list[Encoding] = field(default_factory=list)
    mixed: int = 0
    mixed_lines: list[int] = field(default_factory=list)
    zero_bytes: int = 0


def survey(source: Source) -> Survey:
    """Read the whole file once. Raises ``SheetError``."""
    file = source.open()
    head = file.read(4096)
    wide = _wide(head)
    # A look at the beginning would not do: names in Cyrillic letters may come late.
    found = _Wide(source, *wide).result() if wide else _Narrow(source).result()
    if found.zero_bytes > max(MAX_ZERO_BYTES, found.size // 1000):
        raise SheetError("table_nul")
    return found


def _wide(head: bytes) -> tuple[str, bool] | None:
    """UTF-16 by its mark, or by the zero byte beside every sign of ASCII; and if there is one."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, True
    even, odd = head[0::2].count(0), head[1::2].count(0)
    # A single zero byte is damage, not UTF-16.
    if max(even, odd) > max(1, len(head) // 10) and min(even, odd) == 0:
        return ("utf-16-be" if even else "utf-16-le"), False
    return None


def _blocks(source: Source) -> Iterator[bytes]:
    file, size = source.open(), 0
    while block := file.read(limits.BLOCK):
        size += len(block)
        check_size(size, source.packed)
        yield block


def _check_line(length: int, found: Survey) -> None:
    if length <= limits.MAX_LINE:
        return
    if found.zero_bytes > MAX_ZERO_BYTES:
        raise SheetError("table_nul")  # the cause of the missing line ends, too
    raise SheetError("table_line", limit=limits.MAX_LINE)


class _Wide:
    """A file in UTF-16."""

    def __init__(self, source: Source, name: str, bom: bool) -> None:
        self.source, self.name, self.bom = source, name, bom

    def result(self) -> Survey:
        found = Survey()
        digest = hashlib.sha256()
        decoder = codecs.getincrementaldecoder(self.name)("surrogatepass")
        line, clean = 0, True
        for block in _blocks(self.source):
            digest.update(block)
            found.size += len(block)
            text = decoder.decode(block)
            clean = clean and _is_clean(text)
            found.zero_bytes += text.count("\0")
            last = max(text.rfind("\n"), text.rfind("\r"))
            line = line + len(text) if last < 0 else len(text) - last
            _check_line(line, found)
        if decoder.getstate()[0]:  # it ends in the middle of a letter
            raise SheetError("table_damaged")
        found.encodings = [Encoding(self.name, bom=self.bom, clean=clean)]
        found.digest = digest.hexdigest()
        return found


def _is_clean(text: str) -> bool:
    """Whether there are no halves of letters; one that a block ends with is no harm."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Narrow:
    """A file in an encoding that has ASCII in it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found = Survey()
        # Lines with Russian letters in UTF-8, lines that are no UTF-8, and the first of each.
        self.utf8 = self.old = 0
        self.utf8_lines: list[int] = []
        self.old_lines: list[int] = []
        self.sample = bytearray()
        self.lines = 0
        self.bom = False

    def result(self) -> Survey:
        found, digest, rest = self.found, hashlib.sha256(), b""
        for block in _blocks(self.source):
            found.zero_bytes += block.count(0)
            if not found.size:
                self.bom = block.startswith(codecs.BOM_UTF8)
            digest.update(block)
            found.size += len(block)
            end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            _check_line(len(rest) + (end or len(block)), found)
            if end:
                self._look(rest + block[:end])
                rest = block[end:]
            else:
                rest += block
        _check_line(len(rest), found)
        self._look_at_end(rest)
        found.digest = digest.hexdigest()
        self._decide()
        return found

    def _look(self, lines: bytes) -> None:
        """Some whole lines."""
        if not lines.isascii():
            try:
                lines.decode()
                self.utf8 += lines.count(b"\n") or 1
                if len(self.utf8_lines) < EXAMPLES:
                    self._number_utf8(lines)
            except UnicodeDecodeError:
                self._look_closely(lines)
        self.lines += lines.count(b"\n") or lines.count(b"\r")

    def _number_utf8(self, lines: bytes) -> None:
        numbered = enumerate(lines.splitlines(), self.lines + 1)
        some = [number for number, line in numbered if not line.isascii()]
        self.utf8_lines += some[: EXAMPLES - len(self.utf8_lines)]

    def _look_closely(self, lines: bytes) -> None:
        for number, line in enumerate(lines.splitlines(), self.lines + 1):
            if line.isascii():
                continue
            if _is_utf8(line):
                # What is no Russian in UTF-8 may be anything: it counts for neither.
                if _RUSSIAN_UTF8.search(line):
                    self.utf8 += 1
                    self.utf8_lines += [number] if len(self.utf8_lines) < EXAMPLES else []
                continue
            self.old += 1
            if len(self.old_lines) < EXAMPLES:
                self.old_lines.append(number)
            if len(self.sample) < SAMPLE:
                self.sample += line + b"\n"

    def _look_at_end(self, line: bytes) -> None:
        """The last line, which has no end."""
        if self.old == 0 and not line.isascii():
            decoder: Any = codecs.getincrementaldecoder(UTF8)()
            try:
                text = decoder.decode(line)
            except UnicodeDecodeError:
                pass
            else:
                if decoder.getstate()[0] and (self.utf8 or not text.isascii()):
                    raise SheetError("table_damaged")  # it ends in the middle of a letter
        if line:
            self._look(line)

    def _decide(self) -> None:
        found = self.found
        if not self.old:
            found.encodings = [Encoding(UTF8, bom=self.bom)]
            return
        likely = encodings.likely(bytes(self.sample))
        if self.bom or self.utf8 >= self.old:
            other = likely[0] if len(likely) == 1 else ""
            found.encodings = [Encoding(UTF8, other, bom=self.bom, clean=False)]
            found.mixed, found.mixed_lines = self.old, self.old_lines
            return
        other = UTF8 if self.utf8 else ""
        found.encodings = [Encoding(name, other, clean=False) for name in likely]
        found.mixed, found.mixed_lines = self.utf8, self.utf8_lines


def is_russian_utf8(line: bytes) -> bool:
    """Whether a line of a file in an old encoding is in UTF-8 all the same."""
    return _RUSSIAN_UTF8.search(line) is not None and _is_utf8(line)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
