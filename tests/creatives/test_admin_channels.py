"""The page of a creative: screen text, channels, conflicts and decision."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import jobs as analysis_jobs
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    Prediction,
    ScreenReading,
    Segment,
    Transcript,
)
from tests.creatives.analysing import evidence_of, run

pytestmark = pytest.mark.django_db
CARD = "Кредитная карта, целый год без процентов на любые покупки."
LINES = (("Кредитная карта", 0.5, 2.0), ("120 дней без процентов", 3.0, 3.0))
DELIVERY = (
    ("Яндекс Лавка", 0.5, 2.0),
    ("доставка продуктов на дом", 3.0, 5.0),
    ("скидка 30% на первый заказ по промокоду", 6.0, 7.0),
)
Lines = tuple[tuple[str, float, float], ...]


@pytest.fixture
def page(client: Client, analyst: Any, folders: Path) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


def known(lines: Lines = (), speech: str = CARD, file: str = "creatives/00/none.mp4") -> Creative:
    """Create a creative without a prediction; ``lines`` are its screen reading, if any."""
    creative = Creative.objects.create(name="1.mp4", state=Creative.State.DONE)
    probe = {"video_codec": "h264"} if file else {}
    media = MediaVersion.objects.create(
        creative=creative, file=file, original_name="1.mp4", sha256="0" * 64, size=1, seconds=8.0,
        probe=probe,
    )  # fmt: skip
    Transcript.objects.create(
        media=media, engine="e", model="table.csv", text=speech, speech=speech,
        spoken=bool(speech), seconds_taken=1,
    )  # fmt: skip
    if lines:
        rows = [{"text": t, "seconds": a, "last_seen": b, "confidence": 0.9} for t, a, b in lines]
        text = "\n".join(line[0] for line in lines)
        ScreenReading.objects.create(
            media=media, engine="tesseract", text=text, lines=rows, seconds_taken=0.5
        )
    creative.current_media = media
    creative.save()
    return creative


def decided(creative: Creative) -> Creative:
    analysis_jobs.analyse_missing([creative.pk], None)
    creative.refresh_from_db()
    assert creative.job is not None
    run(creative.job)
    return creative


def text_of(page: Client, creative: Creative) -> str:
    response = page.get(f"/admin/creatives/creative/{creative.pk}/change/")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_lines_of_the_screen_have_their_seconds_and_marks(page: Client) -> None:
    creative = decided(known(LINES))
    text = text_of(page, creative)
    assert re.search(r">\s*Screen\s*<", text)
    [lines] = re.findall(r'<ol class="cf-transcript cf-screen">(.*?)</ol>', text)
    assert re.findall(r'data-seek="([\d.]+)"', lines) == ["0.5", "3.0"]
    # A line that was read on one frame only is shown for a second.
    assert re.findall(r'data-start="([\d.]+)" data-end="([\d.]+)"', lines) == [
        ("0.5", "2.0"),
        ("3.0", "4.0"),
    ]
    words = evidence_of(creative.predictions.get(), "screen")
    assert words
    marked = {word.casefold() for word in re.findall(r"<mark>(.*?)</mark>", lines)}
    assert marked == {word.casefold() for one in words for word in one["text"].split()}
    shown = re.findall(r"<span>(.*?)</span>", re.sub("</?mark>", "", lines))
    assert shown == [line[0] for line in LINES]


def test_channels_that_agree_are_sure_enough(page: Client) -> None:
    creative = decided(known(LINES))
    text = text_of(page, creative)
    assert "sure enough" in text
    assert "needs a person" not in text
    assert "contradict" not in text
    for channel in creative.predictions.get().channels:
        title = {"speech": "Speech", "screen": "Screen"}[channel["name"]]
        percent = round(100 * channel["probabilities"]["12"])
        assert re.search(
            rf">{title}</span><span>12 · Credit cards</span><span>{percent} %</span>", text
        )
        for word in channel["evidence"]:
            assert f"<mark>{word['text']}</mark>" in text


def test_a_conflict_is_described_in_words(page: Client) -> None:
    creative = decided(known(DELIVERY))
    text = text_of(page, creative)
    assert "needs a person" in text
    conflict = re.search(r'<p class="cf-conflict">(.*?)</p>', text)
    assert conflict
    assert conflict[1].startswith("The channels contradict each other: ")
    assert "the speech says 12 · Credit cards" in conflict[1]
    assert "the screen says 3 · Promo / delivery / no loyalty" in conflict[1]
    # Each channel shows the words that speak for its own segment.
    for channel, word in (("cf-transcript", "кредитн"), ("cf-screen", "доставка")):
        [lines] = re.findall(rf'<ol class="[^"]*{channel}">(.*?)</ol>', text)
        assert re.search(rf"<mark>{word}", lines, re.IGNORECASE)


def test_a_labelled_creative_does_not_need_a_person(page: Client) -> None:
    creative = decided(known(DELIVERY))
    set_label(creative, Segment.objects.get(pk=3), None)
    assert "needs a person" not in text_of(page, creative)


def test_the_reason_for_an_unread_screen_is_shown(page: Client) -> None:
    creative = known()
    ScreenReading.objects.create(
        media=creative.current_media, problem="no_screen_reader", seconds_taken=0
    )
    assert "The words on the screen were not read" in text_of(page, creative)


def test_a_screen_without_words_is_mentioned_and_audio_has_no_screen(page: Client) -> None:
    creative = known()
    heading = r">\s*Screen\s*<"
    assert not re.search(heading, text_of(page, creative))
    ScreenReading.objects.create(media=creative.current_media, engine="e", seconds_taken=1)
    assert re.search(heading, text_of(page, creative))
    assert "No words were read on the screen." in text_of(page, creative)


def test_labelled_creatives_that_look_alike_are_linked(page: Client) -> None:
    creative, other = known(), Creative.objects.create(name="other.mp4")
    neighbours = [
        {"id": str(number), "segment": 12, "similarity": 0.934}
        for number in (creative.pk, other.pk, 999_999)
    ]
    Prediction.objects.create(
        creative=creative, media=creative.current_media, model_version=model_versions.active(),
        segment_id=12, probability=0.9, probabilities={"12": 0.9, "0": 0.1},
        channels=[
            {"name": "pictures", "probabilities": {"12": 0.9, "0": 0.1}, "evidence": [],
             "neighbours": neighbours},
        ],
    )  # fmt: skip
    text = text_of(page, creative)
    address = f"/admin/creatives/creative/{other.pk}/change/"
    link = f'<a href="{address}">other.mp4</a><span>12 · Credit cards</span><span>93 %</span>'
    assert link in text
    assert text.count("93 %") == 1


def test_an_imported_transcript_has_no_player_and_no_dead_links(page: Client) -> None:
    creative = decided(known(file=""))
    text = text_of(page, creative)
    assert "Only a transcript was imported: there is no file to play." in text
    assert "Imported: table.csv" in text
    assert "data-player" not in text
    assert "data-seek" not in text
    assert "/api/v1/media/" not in text
    assert "<mark>Кредитная</mark> <mark>карта</mark>, целый год" in text
    # After an upload the transcript belongs to an older version, which is not linked.
    creative.current_media = MediaVersion.objects.create(
        creative=creative, file="creatives/00/a.mp4", original_name="a.mp4", sha256="1" * 64,
        size=1,
    )  # fmt: skip
    creative.save()
    links = re.findall(r'href="/api/v1/media/(\d+)"', text_of(page, creative))
    assert links == [str(creative.current_media.pk)]


def test_duration_and_pace_of_speech_are_shown(page: Client) -> None:
    creative = known()
    media = MediaVersion.objects.filter(creative=creative)
    assert "Pace of speech" not in text_of(page, creative)
    media.update(shape={"speech_share": 0.75, "words_per_second": 2.1})
    text = text_of(page, creative)
    assert "<dt>Speech</dt><dd>6.0 s, 75% of the length</dd>" in text
    assert "<dt>Pace of speech</dt><dd>126 words a minute</dd>" in text
    media.update(shape={"speech_share": 0, "words_per_second": 0})
    assert "Pace of speech" not in text_of(page, creative)
