"""Unreadable files: each fails with its own code, and other jobs go on."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import translation

from creativefilter.creatives.analysis.jobs import analyse_again
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from tests.creatives.analysing import DEMO, MUSIC, analysed, effective, run
from tests.samples import make_media

pytestmark = pytest.mark.django_db
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def cut_film(folder: Path) -> bytes:
    """Return an mp4 without its end, where the index was."""
    whole = make_media(folder / "whole.mp4", 4).read_bytes()
    assert whole.rfind(b"moov") > 0.6 * len(whole)
    return whole[: int(0.6 * len(whole))]


def silent_wav(_folder: Path) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
    return buffer.getvalue()


BROKEN: dict[str, tuple[str, Callable[[Path], bytes], set[str]]] = {
    "an mp4 without its index": ("301.mp4", cut_film, {"damaged", "not_media"}),
    "a text named mp4": ("302.mp4", lambda _: "Скидка 30 %\n".encode() * 50, {"not_media"}),
    "a wav of no seconds": ("304.wav", silent_wav, {"empty", "damaged"}),
    "a page with a hostile name": ("../../x.wav", lambda _: b"<html><script>", {"not_media"}),
}


@pytest.mark.parametrize(("name", "make", "codes"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_fails_with_its_code_and_stays_stored(
    folders: Path, tmp_path: Path, name: str, make: Callable[[Path], bytes], codes: set[str]
) -> None:
    content = make(tmp_path)
    creative = analysed(content, name)
    assert creative.state == Creative.State.FAILED
    assert creative.error_code in codes
    job, media = creative.job, creative.current_media
    assert job is not None
    assert (job.state, job.error_code, job.attempts) == (
        Job.State.FAILED, creative.error_code, 1,
    )  # fmt: skip
    assert job.result is None
    assert media is not None
    assert Path(media.file.path).read_bytes() == content
    assert not creative.predictions.exists()
    assert effective(creative).effective_segment is None


@pytest.mark.parametrize("code", sorted({code for *_, codes in BROKEN.values() for code in codes}))
def test_the_reason_is_a_sentence_in_russian_and_in_english(code: str) -> None:
    with translation.override("ru"):
        russian = sentence(code)
    with translation.override("en"):
        english = sentence(code)
    assert CYRILLIC.search(russian)
    assert not CYRILLIC.search(english)
    assert min(len(russian), len(english)) > 30


def test_the_next_creative_is_analysed_normally(folders: Path, recogniser: None) -> None:
    analysed(b"broken", "1.mp4")
    assert analysed(DEMO / MUSIC).state == Creative.State.DONE
    assert MediaVersion.objects.count() == 2


def test_a_file_that_vanished_from_the_disk_fails_with_its_code(folders: Path) -> None:
    creative = analysed(b"broken", "1.mp4")
    media = creative.current_media
    assert media is not None
    media.file.storage.delete(media.file.name)
    run(analyse_again(creative, None))
    creative.refresh_from_db()
    assert creative.error_code == "not_found"
