"""Files changed at random: read or refused, never an error of a library."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable

import pytest

from creativefilter import sheets
from creativefilter.sheets import rewrite
from tests.sheets.sheet_files import every_kind, parts, zipped

PIECES = [
    b'"',
    b'""',
    b"\n",
    b"\r",
    b",",
    b";",
    b"\xef\xbb\xbf",
    b"<row>",
    b"<!--",
    b'"\n"',
]
# These start a process for each file.
SLOW = ("ods", "xlsb")


def changed(chance: random.Random, content: bytes) -> bytes:
    """Content with a few bytes changed, left out, added or repeated."""
    data = bytearray(content)
    for _change in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.randrange(40)]
            case 2:
                data[at:at] = chance.choice(PIECES)
            case 3:
                start = chance.randrange(len(data) + 1)
                data[at:at] = data[start : start + chance.randrange(200)]
            case _:
                data[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
    return bytes(data)


def changed_inside(chance: random.Random, content: bytes) -> bytes:
    """An archive with one of its members changed, itself whole."""
    members = parts(content)
    name = chance.choice(sorted(members))
    return zipped({**members, name: changed(chance, members[name])})


def use(content: bytes) -> None:
    """Read all that there is, and fill it in."""
    with sheets.opened(io.BytesIO(content)) as document:
        for reading in document.readings:
            for table in reading.tables:
                for line, cells in table.rows():
                    assert line > 0
                    "".join(map(str, cells)).encode()
            "".join(map(str, reading.findings())).encode()
    plan = rewrite.plan(io.BytesIO(content), ("a", "b"), lambda keys, done: None)
    target = io.BytesIO()
    rewrite.write(io.BytesIO(content), plan, target, lambda keys, done: [("x", 1)] * len(keys))


WAYS = [(kind, changed) for kind in every_kind()] + [
    (kind, changed_inside)
    for kind, content in every_kind().items()
    if zipfile.is_zipfile(io.BytesIO(content))
]


@pytest.mark.parametrize(("kind", "change"), WAYS)
def test_changed_files_are_read_or_refused(
    kind: str, change: Callable[[random.Random, bytes], bytes]
) -> None:
    content = every_kind()[kind]
    chance = random.Random(kind)
    for _number in range(2 if kind in SLOW else 15):
        try:
            use(change(chance, content))
        except sheets.SheetError as error:
            str(error).encode()
