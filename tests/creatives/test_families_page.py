"""Family on a creative's page, and the page that labels all of it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Fingerprint, Label, LabelBatch, Segment
from creativefilter.training import exam, new_version
from tests.creatives.families_made import arrived, made
from tests.near_duplicates import needs_chromaprint

pytestmark = [pytest.mark.django_db, needs_chromaprint]


@pytest.fixture
def page(client: Client, analyst: Any) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def family() -> list[Creative]:
    return [
        arrived(made(1), "ролик 30.mp4"),
        arrived(made(1, 10, 5), "ролик 20.mp4"),
        arrived(made(1, 9, 4), "ролик 15.mp4"),
    ]


def address(creative: Creative, tail: str = "change") -> str:
    return f"/admin/creatives/creative/{creative.pk}/{tail}/"


def text_of(page: Client, where: str) -> str:
    response = page.get(where)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_the_page_shows_the_others_with_their_segments(
    page: Client, family: list[Creative], analyst: Any
) -> None:
    alone = arrived(made(2), "другой ролик.mp4")
    set_label(family[1], Segment.objects.get(pk=13), analyst, "")
    text = text_of(page, address(family[0]))
    assert "The same spot in other lengths" in text
    for other in family[1:]:
        assert f'href="{address(other)}"' in text
    assert str(Segment.objects.get(pk=13)) in text.split("The same spot in other lengths")[1]
    assert "Label the family (3 creatives)" in text
    assert alone.name not in text
    assert "The same spot in other lengths" not in text_of(page, address(alone))


def test_a_family_is_previewed_labelled_in_one_batch_and_undone(
    page: Client, family: list[Creative], analyst: Any
) -> None:
    set_label(family[0], Segment.objects.get(pk=13), analyst, "")
    where = f"{address(family[0], 'family')}?set=13"
    text = text_of(page, where)
    [expected] = re.findall(r'name="expected" value="(\d+)"', text)
    assert expected == "2"
    assert not LabelBatch.objects.exists()
    page.post(where, {"expected": expected, "note": "одна семья"})
    batch = LabelBatch.objects.get()
    assert (batch.size, batch.segment_id) == (2, 13)
    rows = Creative.objects.with_effective_segment()
    assert set(rows.values_list("label_segment", flat=True)) == {13}
    page.post(f"/admin/creatives/creative/batches/{batch.pk}/undo/")
    left = rows.exclude(label_segment=None)
    assert [one.pk for one in left] == [family[0].pk]


def test_the_link_to_the_family_page_can_hold_segment_0(
    page: Client, family: list[Creative]
) -> None:
    response = page.post(address(family[0], "label"), {"segment": "0"}, follow=True)
    assert f"{address(family[0], 'family')}?set=0" in unescape(response.content.decode())


def test_after_a_label_the_family_is_offered(page: Client, family: list[Creative]) -> None:
    response = page.post(address(family[0], "label"), {"segment": "13"}, follow=True)
    text = unescape(response.content.decode())
    assert "2 near duplicates of this creative do not have this label." in text
    assert f"{address(family[0], 'family')}?set=13" in text
    alone = arrived(made(2))
    response = page.post(address(alone, "label"), {"segment": "13"}, follow=True)
    assert "near duplicate" not in response.content.decode()


def test_viewers_see_the_family_and_cannot_label_it(page: Client, family: list[Creative]) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_creative"))
    page.force_login(viewer)
    text = text_of(page, address(family[0]))
    assert family[1].name in text
    assert "Label the family" not in text
    where = f"{address(family[0], 'family')}?set=13"
    assert page.get(where).status_code == page.post(where, {"expected": "3"}).status_code == 403
    assert not Label.objects.exists()


def test_the_page_says_that_sounds_were_not_compared(page: Client, family: list[Creative]) -> None:
    assert "chromaprint" not in text_of(page, address(family[0]))
    Fingerprint.objects.update(sound_compared=False)
    assert "chromaprint" in text_of(page, address(family[0]))


def test_a_family_never_stands_on_both_sides_of_a_split(
    family: list[Creative], analyst: Any
) -> None:
    from creativefilter.creatives.models import Transcript

    alone = arrived(made(2))
    speeches = ["Вклад под высокий процент", "Новый кроссовер в наличии", "Отпуск у моря", "Окна"]
    for creative, speech in zip([*family, alone], speeches, strict=True):
        Transcript.objects.create(
            media=creative.current_media, speech=speech, spoken=True, seconds_taken=0
        )
        set_label(creative, Segment.objects.get(pk=13), analyst, "")
    found = exam.load_relatives().families_of(new_version.examples()).tolist()
    assert len(set(found[:3])) == 1
    assert len(set(found)) == 2
