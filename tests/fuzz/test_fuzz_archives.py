"""Damaged and generated archives of creatives are unpacked, or refused with a sentence."""

from __future__ import annotations

import io
import struct
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from creativefilter.creatives.intake import archive_jobs
from creativefilter.jobs import stage_runner
from creativefilter.jobs.kinds import JobError
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError
from tests.fuzz.mutations import (
    BYTES,
    METHODS,
    VALUES,
    ZIP_HEADERS,
    changed,
    changed_archive,
    packed,
)
from tests.fuzz.rounds import fuzz

pytestmark = pytest.mark.django_db
NAMES = VALUES | st.sampled_from([
    "1.wav", "a/2.mp4", "..\\3.avi", "/4.ogg", "C:\\5.flv", "6.zip", "__MACOSX/._7.wav", ".8.wav",
    "9" * 300 + ".wav", "Весна.avi", "10.wav/", "a//11.wav", "12.WAV ", "NUL", "a\0b.wav",
    "x" * 70_000,
])  # fmt: skip
CONTENTS = st.binary(max_size=40) | st.sampled_from(
    [b"", bytes(100_000), b"PK\x03\x04", b"x" * 5000]
)


@cache
def bases() -> list[bytes]:
    """Return a plain archive, one with ZIP64 sizes and a comment, a nested and an encrypted one."""
    plain = packed([("1.wav", b"a" * 50, 8), ("b/2.mp4", b"b" * 900, 8), ("3.avi", b"", 0)])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        with archive.open("4.wav", "w", force_zip64=True) as member:
            member.write(b"c" * 80)
        archive.comment = b"PK\x05\x06 comment"
    locked = bytearray(plain)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[plain.index(signature) + offset] |= 1
    return [plain, out.getvalue(), packed([("5.zip", plain, 8)]), bytes(locked)]


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    match draw(st.integers(0, 5)):
        case 0:
            members = draw(st.lists(st.tuples(NAMES, CONTENTS, METHODS), max_size=6))
            try:
                content = packed(members)
            except (
                ValueError,
                UnicodeError,
                struct.error,
                zipfile.LargeZipFile,
            ):  # can't be written
                content = bases()[0]
        case 1 | 2:
            content = draw(changed_archive(draw(st.sampled_from([bases()[0], bases()[2]]))))
        case _:
            content = draw(st.sampled_from(bases()))
    ways = st.one_of(ZIP_HEADERS, ZIP_HEADERS, BYTES)
    return draw(changed(content, ways=ways, most=4)) if draw(st.integers(0, 3)) else content


def unpack(content: bytes) -> None:
    """Receive an archive as the page does, and unpack it as a worker does."""
    with transaction.atomic():
        try:
            job = archive_jobs.start(ContentFile(content), "spots.zip", None, {})
        except CodedError as error:
            str(error).encode()
        else:
            _work(job)
        transaction.set_rollback(True)


def _work(job: Job) -> None:
    claimed = stage_runner.claim(str(job.pk), job.stage, "fuzz")
    assert claimed
    try:
        result = archive_jobs.unpack(claimed)()
    except JobError as error:
        if error.code != "bad_archive":
            raise
    else:
        assert result
        assert all(refusal["message"] for refusal in result["refusals"])


EXAMPLES: SearchStrategy[bytes] = archives()


def test_archives(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    fuzz(EXAMPLES, unpack, 100)
