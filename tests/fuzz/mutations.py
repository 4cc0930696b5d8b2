"""Strategies that change whole files: bytes, ZIP headers, and tags of XML documents."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from functools import partial

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# A position in a file of any length, in ten-thousandths of the length.
PLACES = st.integers(0, 10_000)
NUMBERS = st.sampled_from([0, 1, 2, 8, 12, 14, 64, 99, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF,
                           0xFFFFFFFE, 0xFFFFFFFF])  # fmt: skip
PIECES = st.sampled_from([
    b'"', b'""', b"\n", b"\r", b",", b";", b"\t", b"|", b"\0", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xfe\xff", b"<row>", b"<!--", b"]]>", b'"\n"', b"PK\x03\x04", b"PK\x05\x06", b"\xff" * 4,
    b"sep=;\n", b"Advertisement ID", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0",
]) | st.binary(max_size=6)  # fmt: skip

# Numbers in the records of a ZIP archive, by signature: (offset, size in bytes). From APPNOTE.TXT
# of PKWARE, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
ZIP_FIELDS: dict[bytes, Sequence[tuple[int, int]]] = {
    b"PK\x03\x04": [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    b"PK\x01\x02": [
        (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4),
    ],
    b"PK\x05\x06": [(4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
    b"PK\x06\x06": [(4, 8), (24, 8), (32, 8), (40, 8), (48, 8)],
    b"PK\x06\x07": [(8, 8)],
}  # fmt: skip
_RECORD = re.compile(b"|".join(map(re.escape, ZIP_FIELDS)))


def offset_of(content: bytes, place: int) -> int:
    return len(content) * place // 10_000


def overwritten(content: bytes, place: int, piece: bytes) -> bytes:
    start = offset_of(content, place)
    return content[:start] + piece + content[start + len(piece) :]


def inserted(content: bytes, place: int, piece: bytes) -> bytes:
    start = offset_of(content, place)
    return content[:start] + piece + content[start:]


def without(content: bytes, place: int, length: int) -> bytes:
    start = offset_of(content, place)
    return content[:start] + content[start + length :]


def repeated(content: bytes, place: int, length: int, times: int) -> bytes:
    start = offset_of(content, place)
    return content[:start] + content[start : start + length] * times + content[start:]


def cut(content: bytes, place: int) -> bytes:
    return content[: offset_of(content, place)]


def zip_field(content: bytes, record: int, field: int, number: int) -> bytes:
    """Return an archive with one number of one of its records changed."""
    found = list(_RECORD.finditer(content))
    if not found:
        return content
    match = found[record % len(found)]
    fields = ZIP_FIELDS[match[0]]
    offset, size = fields[field % len(fields)]
    start = match.start() + offset
    return (
        content[:start]
        + (number % (1 << 8 * size)).to_bytes(size, "little")
        + content[start + size :]
    )


# Functions that take the content of a file and return it changed.
BYTES: SearchStrategy[Callable[[bytes], bytes]] = st.one_of(
    st.builds(lambda p, x: partial(overwritten, place=p, piece=x), PLACES, PIECES),
    st.builds(lambda p, x: partial(inserted, place=p, piece=x), PLACES, PIECES),
    st.builds(lambda p, n: partial(without, place=p, length=n), PLACES, st.integers(1, 60)),
    st.builds(
        lambda p, n, t: partial(repeated, place=p, length=n, times=t),
        PLACES, st.integers(1, 200), st.sampled_from([1, 2, 50, 2000]),
    ),
    st.builds(lambda p: partial(cut, place=p), PLACES),
)  # fmt: skip
ZIP_HEADERS: SearchStrategy[Callable[[bytes], bytes]] = st.builds(
    lambda r, f, n: partial(zip_field, record=r, field=f, number=n),
    st.integers(0, 30), st.integers(0, 12), NUMBERS | st.integers(0, 0xFFFFFFFF),
)  # fmt: skip

VALUES = st.sampled_from([
    "", "0", "-1", "1e309", "NaN", "99999999999999999999", "A0", "A1", "XFE1", "ZZZZ99999999",
    "A1:XFD1048576", "_x0000_", "_xD800_", "_xFFFF_", "&#0;", "&#xD800;", "&lol;", "../../x", "/",
    "\u202e", "inlineStr", "s", "str", "b", "e", "d", "hidden", "1", "1048576", "rId1", "rId99",
    "9" * 5000, "0x10", "１２", "²", "1904", "true",
]) | st.text(max_size=4)  # fmt: skip
TAGS = st.sampled_from([
    "<c/>", "<row/>", "</row>", "<row r='1048577'>", "<c t='s'><v>999999999</v></c>", "<!-- x -->",
    "<![CDATA[<row>]]>", "<?xml version='1.0' encoding='UTF-16'?>", "<?x?>", "<f>1+1</f>",
    "<!DOCTYPE x [<!ENTITY lol 'ha'>]>", "<is><t>x</t></is>", "<mergeCell ref='A1:B2'/>",
    "<sheetData/>", "</sheetData>", "<v>1e400</v>", "<c t='s'><v>²</v></c>", "<", ">", "&",
    "<table:table-cell table:number-columns-repeated='16384'/>",
    "<table:table-row table:number-rows-repeated='1048576'><table:table-cell/></table:table-row>",
])  # fmt: skip
_TAG = re.compile(r"<[^>]*>")
_VALUE = re.compile(r'"[^"<]*"')


def _replaced(pattern: re.Pattern[str], text: str, place: int, new: str, keep: bool) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = found[len(found) * place // 10_001]
    return text[: match.start()] + (match[0] if keep else "") + new + text[match.end() :]


def _on_text(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        text = content.decode("utf-8", "surrogateescape")
        return change(text).encode("utf-8", "surrogateescape")

    return changed


def _escaped(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace('"', "").replace("<", "")


# Functions that take the content of an XML document and return it changed.
XML: SearchStrategy[Callable[[bytes], bytes]] = st.one_of(
    st.builds(
        lambda p, v: _on_text(lambda t: _replaced(_VALUE, t, p, f'"{_escaped(v)}"', keep=False)),
        PLACES, VALUES,
    ),
    st.builds(lambda p: _on_text(lambda t: _replaced(_TAG, t, p, "", keep=False)), PLACES),
    st.builds(lambda p, n: _on_text(lambda t: _replaced(_TAG, t, p, n, keep=False)), PLACES, TAGS),
    st.builds(lambda p, n: _on_text(lambda t: _replaced(_TAG, t, p, n, keep=True)), PLACES, TAGS),
    st.builds(
        lambda p, v: _on_text(lambda t: _replaced(_TAG, t, p, _escaped(v), keep=True)),
        PLACES, VALUES,
    ),
    st.sampled_from(["utf-16", "utf-16-le", "cp1251", "utf-8-sig"]).map(
        lambda e: lambda c: c.decode("utf-8", "replace").encode(e, "replace")
    ),
    BYTES,
)  # fmt: skip


def members_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


METHODS = st.sampled_from(
    [zipfile.ZIP_DEFLATED] * 4 + [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)


def packed(members: Sequence[tuple[str, bytes, int]]) -> bytes:
    """Return an archive of (name, content, compression method); names may repeat."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, method in members:
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            # ZipInfo truncates names at a zero byte; setting the attribute keeps the whole name.
            info.filename = name
            archive.writestr(info, content, method)
    return out.getvalue()


@st.composite
def changed(draw: st.DrawFn, content: bytes, *, ways: SearchStrategy[Callable[[bytes], bytes]],
            most: int = 4) -> bytes:  # fmt: skip
    for change in draw(st.lists(ways, min_size=1, max_size=most)):
        content = change(content)
    return content


@st.composite
def changed_archive(draw: st.DrawFn, content: bytes) -> bytes:
    """Change, rename, drop or duplicate members of an archive.

    Some archives then also get changed ZIP headers or other changed bytes.
    """
    members = [(name, inner, draw(METHODS)) for name, inner in members_of(content).items()]
    for _change in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(members) - 1))
        name, inner, method = members[place]
        match draw(st.integers(0, 8)):
            case 0 if len(members) > 1:
                del members[place]
            case 1:
                members.append((name, inner, method))
            case 2:
                members[place] = draw(st.text(max_size=8)) or "x", inner, method
            case _:
                ways = XML if inner[:1] == b"<" else BYTES
                members[place] = name, draw(changed(inner, ways=ways)), method
    archive = packed(members)
    if draw(st.booleans()):
        archive = draw(changed(archive, ways=st.one_of(ZIP_HEADERS, ZIP_HEADERS, BYTES), most=3))
    return archive
