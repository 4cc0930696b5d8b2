"""One pass over the bytes of a CSV file: size, digest and possible encodings."""

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
# Bytes of the non-UTF-8 lines that are passed to ``encodings.likely``.
SAMPLE = 64 << 10
# More zero bytes than this, and than one in a thousand, make a file unreadable as text.
MAX_ZERO_BYTES = 10
# Line numbers that a finding names.
EXAMPLES = 5
# Three Russian letters in UTF-8. In an old encoding these bytes make no readable word.
_RUSSIAN_UTF8 = re.compile(rb"(?:[\xd0\xd1][\x80-\xbf]){3}")
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the text of a file is encoded.

    ``main`` is the codec of the file. ``other`` is the codec of lines in another encoding, "" if
    there are no such lines or if their encoding is not clear (such lines can't be read). ``bom``:
    the file has a byte order mark. ``clean``: the whole file is known to be valid in ``main``;
    always False for the old encodings.
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
    """Result of one pass over a file. ``size`` is in bytes, ``digest`` is the SHA-256 (hex).

    ``encodings``: possible encodings, most probable first. ``mixed``: number of lines in another
    encoding than the file's; ``mixed_lines``: the numbers of the first of these lines.
    ``zero_bytes``: number of zero bytes (in UTF-16: of U+0000 characters); a few are damage, many
    mean that the file is no text.
    """

    size: int = 0
    digest: str = ""
    encodings: list[Encoding] = field(default_factory=list)
    mixed: int = 0
    mixed_lines: list[int] = field(default_factory=list)
    zero_bytes: int = 0


def survey(source: Source) -> Survey:
    """Read the whole file once.

    Raises:
        SheetError: the file is too large, has a line that is too long, ends within a character, or
            is no text.
    """
    file = source.open()
    head = file.read(4096)
    utf16 = _utf16_form(head)
    # The beginning of the file is not enough: the first Cyrillic name may come late.
    found = _Utf16Survey(source, *utf16).result() if utf16 else _AsciiSurvey(source).result()
    if found.zero_bytes > max(MAX_ZERO_BYTES, found.size // 1000):
        raise SheetError("table_nul")
    return found


def _utf16_form(head: bytes) -> tuple[str, bool] | None:
    """Detect UTF-16 by its byte order mark, or by the zero byte of each ASCII character.

    Returns:
        The codec and whether there is a mark; None if the file is not in UTF-16.
    """
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


def _first_line_end(block: bytes) -> int:
    """Return the length of the first line of a block; that of the block if it has no line end."""
    ends = [end for end in (block.find(b"\n"), block.find(b"\r")) if end >= 0]
    return min(ends, default=len(block))


def _check_line(length: int, found: Survey) -> None:
    if length <= limits.MAX_LINE:
        return
    if found.zero_bytes > MAX_ZERO_BYTES:
        raise SheetError("table_nul")  # zero bytes are also why there are no line ends
    raise SheetError("table_line", megabytes=limits.MAX_LINE >> 20)


class _Utf16Survey:
    """Survey of a file in UTF-16."""

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
        if decoder.getstate()[0]:  # the file ends within a character
            raise SheetError("table_damaged")
        found.encodings = [Encoding(self.name, bom=self.bom, clean=clean)]
        found.digest = digest.hexdigest()
        return found


def _is_clean(text: str) -> bool:
    """Return whether the text has no lone surrogates.

    A pair that two blocks share is no lone surrogate: the decoder holds back its first half.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _AsciiSurvey:
    """Survey of a file in an encoding that contains ASCII."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found = Survey()
        # Number of UTF-8 lines that are not ASCII (in blocks with lines in an old encoding only
        # those with Russian words), number of lines that are not UTF-8, and the numbers of the
        # first lines of each.
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
            _check_line(len(rest) + _first_line_end(block), found)
            if end:
                self._count_lines(rest + block[:end])
                rest = block[end:]
            else:
                rest += block
        _check_line(len(rest), found)
        self._check_last_line(rest)
        found.digest = digest.hexdigest()
        self._decide()
        return found

    def _count_lines(self, lines: bytes) -> None:
        """Count the encodings of some whole lines."""
        if not lines.isascii():
            if _is_utf8(lines):
                self._count_utf8(lines)
            else:
                self._classify_lines(lines)
        self.lines += lines.count(b"\n") or lines.count(b"\r")

    def _count_utf8(self, lines: bytes) -> None:
        numbered = enumerate(lines.splitlines(), self.lines + 1)
        numbers = [number for number, line in numbered if not line.isascii()]
        self.utf8 += len(numbers)
        self.utf8_lines += numbers[: EXAMPLES - len(self.utf8_lines)]

    def _classify_lines(self, lines: bytes) -> None:
        for number, line in enumerate(lines.splitlines(), self.lines + 1):
            if line.isascii():
                continue
            if _is_utf8(line):
                # Without Russian words it may also be in the old encoding, so it is not counted.
                if _RUSSIAN_UTF8.search(line):
                    self.utf8 += 1
                    self.utf8_lines += [number] if len(self.utf8_lines) < EXAMPLES else []
                continue
            self.old += 1
            if len(self.old_lines) < EXAMPLES:
                self.old_lines.append(number)
            if len(self.sample) < SAMPLE:
                self.sample += line + b"\n"

    def _check_last_line(self, line: bytes) -> None:
        """Count the last line, which has no line end. Raises ``SheetError`` if it is cut off."""
        if self.old == 0 and not line.isascii():
            decoder: Any = codecs.getincrementaldecoder(UTF8)()
            try:
                text = decoder.decode(line)
            except UnicodeDecodeError:
                pass
            else:
                if decoder.getstate()[0] and (self.utf8 or not text.isascii()):
                    raise SheetError("table_damaged")  # the file ends within a character
        if line:
            self._count_lines(line)

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
    """Return whether a line of a file in an old encoding is in UTF-8 with Russian words."""
    return _RUSSIAN_UTF8.search(line) is not None and _is_utf8(line)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
