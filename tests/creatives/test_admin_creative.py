"""The page of one creative: player, transcript, prediction and labels."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from classifier.segments import SEGMENTS
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis.decision import candidates
from creativefilter.creatives.models import Creative, Label
from creativefilter.jobs.models import Job
from tests.creatives.analysing import (
    DEMO,
    MUSIC,
    SPOKEN,
    SPOKEN_TOO,
    SPOKEN_TOO_SEGMENT,
    analysed,
    effective,
    evidence_of,
    take_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.weights]


@pytest.fixture
def page(client: Client, analyst: Any, folders: Path, recogniser: None) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


def address(creative: Creative, tail: str = "change") -> str:
    return f"/admin/creatives/creative/{creative.pk}/{tail}/"


def text_of(page: Client, creative: Creative) -> str:
    response = page.get(address(creative))
    assert response.status_code == 200
    return str(response.content.decode())


def test_playable_formats_play_the_original(page: Client) -> None:
    creative = analysed(DEMO / SPOKEN_TOO)
    text = text_of(page, creative)
    media = creative.current_media
    assert media is not None
    assert re.search(rf'<video data-player[^>]* src="/api/v1/media/{media.pk}"', text)
    assert page.get(f"/api/v1/media/{media.pk}").status_code == 200
    for frame in media.probe["frames"]:
        assert f'src="/api/v1/media/{media.pk}/{frame["file"]}"' in text


def test_other_formats_play_the_decoded_sound_with_a_note(page: Client) -> None:
    creative = analysed(DEMO / SPOKEN)
    text = text_of(page, creative)
    source = f"/api/v1/media/{creative.current_media_id}/audio.wav"
    assert re.search(rf'<audio data-player[^>]* src="{source}"', text)
    assert "Browsers do not play this format" in text
    assert page.get(source).status_code == 200


def test_the_page_shows_the_prediction_with_evidence(page: Client) -> None:
    creative = analysed(DEMO / SPOKEN_TOO)
    text = text_of(page, creative)
    prediction = creative.predictions.get()
    assert prediction.transcript is not None
    places = []
    for number, probability in candidates(prediction):
        [title] = [s.name_en for s in SEGMENTS if s.number == number]
        row = f"<span>{number} · {title}</span><span>{100 * probability:.1f} %</span>"
        places.append(text.index(row))
    assert places == sorted(places)
    for word in evidence_of(prediction, "speech"):
        assert f"<mark>{word['text']}</mark>" in text
    assert str(prediction.model_version) in text


def test_the_transcript_has_its_times_and_marks(page: Client) -> None:
    creative = analysed(DEMO / SPOKEN_TOO)
    text = text_of(page, creative)
    transcript = creative.predictions.get().transcript
    assert transcript is not None
    for utterance in transcript.utterances:
        assert f'data-start="{utterance["start"]}" data-end="{utterance["end"]}"' in text
    written = re.search(r'<ol class="cf-transcript">(.*?)</ol>', text, re.DOTALL)
    assert written
    assert "<mark>вклад</mark>" in written[1]
    plain = " ".join(re.findall(r"<span>(.*?)</span>", re.sub("</?mark>", "", written[1])))
    assert plain.split() == transcript.text.split()


def test_every_segment_can_be_chosen_with_its_criteria_in_view(page: Client) -> None:
    text = text_of(page, take_in(b"bytes", "1.avi").creative)
    for segment in SEGMENTS:
        assert f'name="segment" value="{segment.number}"' in text
        assert segment.criteria_en in text
    page.cookies["django_language"] = "ru"
    russian = text_of(page, Creative.objects.get())
    assert all(segment.criteria in russian for segment in SEGMENTS)


def test_a_creative_without_speech_says_so(page: Client) -> None:
    assert "There is no speech in this creative" in text_of(page, analysed(DEMO / MUSIC))


def test_a_broken_file_says_why(page: Client) -> None:
    text = text_of(page, analysed(b"not a film", "1.mp4"))
    assert "This is neither audio nor video" in text


def test_a_label_is_set_and_withdrawn(page: Client, analyst: Any) -> None:
    creative = analysed(DEMO / SPOKEN_TOO)
    page.post(address(creative, "label"), {"segment": "0", "note": "акция"})
    label = Label.objects.get()
    assert (label.segment_id, label.author, label.note) == (0, analyst, "акция")
    assert effective(creative).effective_segment == 0
    text = text_of(page, creative)
    assert "Set by a person" in text
    assert "акция" in text
    assert creative.predictions.get().segment_id == SPOKEN_TOO_SEGMENT

    page.post(address(creative, "label"), {"segment": "0", "withdraw": "1"})
    assert effective(creative).effective_segment == SPOKEN_TOO_SEGMENT
    assert "Set by a person" not in text_of(page, creative)
    assert Label.objects.count() == 2


@pytest.mark.parametrize("number", ["19", "99", "-1", "x", "", "9" * 30, "9" * 5000])
def test_a_segment_that_does_not_exist_is_not_set(page: Client, number: str) -> None:
    creative = take_in(b"bytes", "1.avi").creative
    response = page.post(address(creative, "label"), {"segment": number})
    assert response.status_code in (302, 404)
    assert not Label.objects.exists()


def test_a_long_note_is_cut_and_nul_is_removed(page: Client) -> None:
    creative = take_in(b"bytes", "1.avi").creative
    page.post(address(creative, "label"), {"segment": "1", "note": "ж" * 300})
    page.post(address(creative, "label"), {"segment": "2", "note": "a\x00b"})
    assert [label.note for label in creative.labels.all()] == ["ab", "ж" * 255]


def test_a_creative_is_analysed_again_but_not_twice_at_once(page: Client, analyst: Any) -> None:
    creative = analysed(DEMO / MUSIC)
    for _ in range(2):
        assert page.post(address(creative, "again")).status_code == 302
    assert Job.objects.filter(state=Job.State.QUEUED, owner=analyst).count() == 1


def test_get_requests_change_nothing(page: Client) -> None:
    creative = take_in(b"bytes", "1.avi").creative
    assert page.get(address(creative, "label")).status_code == 405
    assert page.get(address(creative, "again")).status_code == 405


def test_the_prediction_shown_is_the_one_that_counts(
    page: Client, tmp_path: Path, settings: Any
) -> None:
    """The prediction of the active version is shown, even if another version's is newer."""
    creative = analysed(DEMO / SPOKEN_TOO)
    older = creative.predictions.get()
    folder = tmp_path / "newer"
    shutil.copytree(settings.STARTER_MODEL, folder)
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + "\n")
    newer = model_versions.register_folder(folder)
    older.pk, older.model_version, older.segment_id = None, newer, 1
    older.save()
    text = text_of(page, creative)
    assert str(model_versions.active()) in text
    assert str(newer) not in text


def test_missing_creatives_answer_404(page: Client) -> None:
    assert page.get("/admin/creatives/creative/999999/change/").status_code in (302, 404)
    assert page.post("/admin/creatives/creative/999999/label/", {}).status_code == 404
    assert page.post("/admin/creatives/creative/999999/again/", {}).status_code == 404
