"""File names, transcripts and screen texts are escaped on all pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creativefilter.creatives import model_versions
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import (
    Creative,
    Prediction,
    ScreenReading,
    Segment,
    Transcript,
)
from tests.creatives.analysing import take_in

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"
PICTURE = "<img src=x onerror=alert(2)>"
LIST = "/admin/creatives/creative/"


@pytest.fixture
def page(client: Client, analyst: Any, folders: Path) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def creative(page: Client, analyst: Any) -> Creative:
    """A creative with HTML in its name, transcript and screen text."""
    media = take_in(b"bytes", f"{PICTURE}.avi").media
    words = f"{SCRIPT} кредит {PICTURE}"
    transcript = Transcript.objects.create(
        media=media, engine="e", model="m", language="ru", text=words, speech=words, spoken=True,
        utterances=[{"start": 0.0, "end": 1.0, "text": words}], seconds_taken=1,
    )  # fmt: skip
    line = {"text": words, "seconds": 0.0, "last_seen": 1.0, "confidence": 0.9}
    ScreenReading.objects.create(
        media=media, engine=PICTURE, text=words, lines=[line], seconds_taken=1
    )
    alike = take_in(b"other bytes", f"{PICTURE}.avi").creative
    evidence = [{"text": f"кредит {SCRIPT}", "start": 0, "end": 5, "weight": 1.0}]
    neighbours = [{"id": str(alike.pk), "segment": 8, "similarity": 0.9}]
    Prediction.objects.create(
        creative=media.creative, media=media, transcript=transcript,
        model_version=model_versions.active(), segment=Segment.objects.get(pk=8),
        probability=0.9, probabilities={"8": 0.9, "0": 0.1},
        channels=[
            {"name": "speech", "evidence": evidence},
            {"name": "screen", "evidence": evidence, "probabilities": {"8": 0.9, "0": 0.1}},
            {"name": "pictures", "evidence": [], "neighbours": neighbours},
        ],
    )  # fmt: skip
    set_label(media.creative, Segment.objects.get(pk=8), analyst, PICTURE)
    return media.creative


def assert_harmless(text: str) -> None:
    assert SCRIPT not in text
    assert "<img src=x" not in text
    assert "<script>alert" not in text


def test_the_page_of_a_creative_is_escaped(page: Client, creative: Creative) -> None:
    text = page.get(f"{LIST}{creative.pk}/change/").content.decode()
    assert_harmless(text)
    assert text.count("<mark>кредит</mark>") == 2
    assert "&lt;img src=x onerror=alert(2)&gt;.avi</a>" in text
    # name, title, note, transcript, screen and its engine
    assert text.count("&lt;img src=x onerror=alert(2)&gt;") >= 6
    assert text.count("&lt;/") >= 2


def test_the_list_and_the_delete_page_are_escaped(page: Client, creative: Creative) -> None:
    for address in (LIST, f"{LIST}?q=%3Cscript%3E", f"{LIST}{creative.pk}/delete/"):
        response = page.get(address)
        assert response.status_code == 200
        assert_harmless(response.content.decode())


def test_the_message_about_a_refused_file_is_escaped(page: Client, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1
    upload = SimpleUploadedFile(f"{PICTURE}.avi", b"too large")
    text = page.post(f"{LIST}add/", {"files": upload}, follow=True).content.decode()
    assert "&lt;img src=x onerror=alert(2)&gt;.avi" in text
    assert_harmless(text)
