"""The list of creatives: cells, filters, search, order and actions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, ScreenReading, Segment
from creativefilter.jobs.models import Job
from tests.creatives.analysing import DEMO, MUSIC, SCREEN_ONLY, SPOKEN, analysed, take_in
from tests.screens import needs_reader

pytestmark = pytest.mark.django_db
LIST = "/admin/creatives/creative/"


@pytest.fixture
def page(client: Client, analyst: Any) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def creatives(folders: Path, recogniser: None) -> dict[str, Creative]:
    """One of each: classified, without speech, broken, waiting, labelled by a person."""
    rows = {
        "card": analysed(DEMO / SPOKEN),
        "music": analysed(DEMO / MUSIC, is_demo=True),
        "broken": analysed(b"not a film", "301.mp4"),
        "waiting": take_in(b"bytes", "302.mp4").creative,
        "labelled": take_in(b"other bytes", "303.mp4").creative,
    }
    set_label(rows["labelled"], Segment.objects.get(pk=3), None)
    return rows


def shown(page: Client, creatives: dict[str, Creative], **query: str) -> set[str]:
    """Return the keys of the creatives that a filtered list shows."""
    response = page.get(LIST, query)
    assert response.status_code == 200
    listed = {creative.pk for creative in response.context["cl"].result_list}
    return {name for name, creative in creatives.items() if creative.pk in listed}


@pytest.mark.weights
def test_each_row_shows_state_segment_and_decision(
    page: Client, creatives: dict[str, Creative]
) -> None:
    text = page.get(LIST).content.decode()
    assert "12 · Credit cards" in text
    assert re.search(r"the model, \d+%", text)
    assert "There is no speech in this creative" in text
    assert "This is neither audio nor video" in text
    assert "3 · Promo / delivery / no loyalty" in text
    assert "a person" in text
    assert text.count('class="cf-tag"') == 1
    for name, final in (("card", "1"), ("broken", "1"), ("waiting", "")):
        assert f'data-upload-id="{creatives[name].pk}" data-final="{final}"' in text


def test_the_list_is_in_the_language_of_the_reader(page: Client) -> None:
    page.cookies["django_language"] = "ru"
    assert "Добавить" in page.get(LIST).content.decode()


@needs_reader
@pytest.mark.weights
def test_the_list_is_filtered_by_decision(page: Client, creatives: dict[str, Creative]) -> None:
    creatives["doubtful"] = analysed(DEMO / SCREEN_ONLY)
    assert shown(page, creatives, decision="person") == {"doubtful", "music", "broken"}
    assert shown(page, creatives, decision="made") == {"card", "labelled"}
    text = page.get(LIST).content.decode()
    assert len(re.findall(r'<span class="cf-tag cf-doubt">needs a person</span>', text)) == 2
    link = reverse("admin:creatives_creative_needing_a_person")
    assert link in text
    assert page.get(link)["Location"] == f"{LIST}?decision=person"

    set_label(creatives["doubtful"], Segment.objects.get(pk=1), None)
    assert shown(page, creatives, decision="person") == {"music", "broken"}
    set_label(creatives["doubtful"], None, None)
    creatives["card"].predictions.update(decision="review")
    assert shown(page, creatives, decision="person") == {"card", "doubtful", "music", "broken"}


@pytest.mark.weights
def test_the_list_is_filtered_by_segment(page: Client, creatives: dict[str, Creative]) -> None:
    assert shown(page, creatives, segment="12") == {"card"}
    assert shown(page, creatives, segment="3") == {"labelled"}
    assert shown(page, creatives, segment="none") == {"music", "broken", "waiting"}
    set_label(creatives["card"], Segment.objects.get(pk=0), None)
    assert shown(page, creatives, segment="0") == {"card"}
    assert shown(page, creatives, segment="12") == set()


@pytest.mark.weights
def test_the_list_is_filtered_by_reviewed(page: Client, creatives: dict[str, Creative]) -> None:
    assert shown(page, creatives, reviewed="yes") == {"labelled"}
    assert shown(page, creatives, reviewed="no") == set(creatives) - {"labelled"}
    set_label(creatives["labelled"], None, None)
    assert shown(page, creatives, reviewed="yes") == set()


@pytest.mark.weights
def test_the_list_is_filtered_by_state_and_demonstration(
    page: Client, creatives: dict[str, Creative]
) -> None:
    assert shown(page, creatives, state__exact="failed") == {"broken"}
    assert shown(page, creatives, is_demo__exact="1") == {"music"}


@pytest.mark.weights
def test_the_list_is_filtered_by_exam_set_and_label(
    page: Client, creatives: dict[str, Creative]
) -> None:
    for name in ("card", "labelled"):
        Creative.objects.filter(pk=creatives[name].pk).update(is_exam=True)
    assert shown(page, creatives, is_exam__exact="1") == {"card", "labelled"}
    assert shown(page, creatives, is_exam__exact="1", reviewed="no") == {"card"}
    assert "exam set" in page.get(LIST).content.decode()


@pytest.mark.weights
def test_the_list_is_searched_by_id_name_and_words_spoken_or_shown(
    page: Client, creatives: dict[str, Creative]
) -> None:
    ScreenReading.objects.create(
        media=creatives["waiting"].current_media, text="Скоро\nоткрытие", seconds_taken=1
    )
    assert "waiting" in shown(page, creatives, q="ОТКРЫТИЕ")
    assert shown(page, creatives, q="90000023") == {"card"}
    assert shown(page, creatives, q="301.mp4") == {"broken"}
    for spoken in ("процентов", "ПРОЦЕНТОВ", "кредитная карта"):
        assert shown(page, creatives, q=spoken) == {"card"}, spoken
    for unspoken in ("чего никто не говорил", "%", "п_оцентов"):
        assert shown(page, creatives, q=unspoken) == set(), unspoken


@pytest.mark.weights
def test_sorting_by_any_column_keeps_all_rows(page: Client, creatives: dict[str, Creative]) -> None:
    for column in range(1, 8):
        for order in (f"{column}", f"-{column}"):
            assert shown(page, creatives, o=order) == set(creatives)


@pytest.mark.weights
def test_the_action_analyses_ticked_creatives_again(
    page: Client, creatives: dict[str, Creative], django_capture_on_commit_callbacks: Any
) -> None:
    chosen = [creatives["card"].pk, creatives["waiting"].pk]
    with django_capture_on_commit_callbacks() as queued:
        response = page.post(
            LIST, {"action": "analyse_again", "_selected_action": chosen}, follow=True
        )
    text = response.content.decode()
    assert "1 creative is being analysed again." in text
    assert "1 creative is being analysed already" in text
    creatives["card"].refresh_from_db()
    assert creatives["card"].state == Creative.State.QUEUED
    assert Job.objects.filter(state=Job.State.QUEUED).count() == 3
    assert len(queued) == 1


def test_a_full_quota_stops_the_action_and_what_was_queued_is_shown(
    page: Client, folders: Path, settings: Any
) -> None:
    rows = [take_in(f"bytes {n}".encode(), f"{n}.mp4").creative for n in (301, 302, 303)]
    Job.objects.update(state=Job.State.DONE)
    settings.OPEN_JOBS_PER_USER = 1
    response = page.post(
        LIST,
        {"action": "analyse_again", "_selected_action": [row.pk for row in rows]},
        follow=True,
    )
    text = response.content.decode()
    assert "1 creative is being analysed again." in text
    assert "You have 1 unfinished job" in text
    assert Job.objects.filter(state=Job.State.QUEUED).count() == 1
