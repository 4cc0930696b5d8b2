"""REST views of segments, and segment numbers in requests."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, Segment
from creativefilter.creatives.segments import changes

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def creative(analyst: User) -> Creative:
    row = Creative.objects.create(advertisement_id="100", name="100.mp4")
    set_label(row, Segment.objects.get(pk=6), analyst)
    return row


def test_one_segment_is_shown(api: APIClient, stranger: APIClient) -> None:
    rows = api.get(f"{API}/segments").json()
    response = api.get(f"{API}/segments/12")
    assert response.json() == next(row for row in rows if row["number"] == 12)
    headers = {"If-None-Match": response["ETag"]}
    assert api.get(f"{API}/segments/12", headers=headers).status_code == 304
    assert api.get(f"{API}/segments/19").status_code == 404
    assert stranger.get(f"{API}/segments/12").status_code == 403


def test_segments_have_group_merged_numbers_and_whether_they_are_retired(api: APIClient) -> None:
    changes.retire(15)
    changes.merge(4, 0)
    rows = {row["number"]: row for row in api.get(f"{API}/segments").json()}
    assert list(rows) == [0, 1, 2, 3, 5, *range(7, 19)]
    assert rows[0]["merged"] == [4, 6]
    assert rows[12]["merged"] == []
    assert rows[12]["group"] == {"key": "banks", "name": "Банки", "name_en": "Banks"}
    assert [number for number, row in rows.items() if row["retired"]] == [15]


def test_the_number_of_a_merged_segment_gives_the_one_that_counts(api: APIClient) -> None:
    response = api.get(f"{API}/segments/6")
    assert response.json()["number"] == 0
    assert response["Merged-Segments"] == "6;into=0"
    assert "Merged-Segments" not in api.get(f"{API}/segments/0")


def test_a_new_segment_can_be_set_and_filtered_by_at_once(
    api: APIClient, creative: Creative
) -> None:
    body = {"creative": creative.pk, "segment_num": 19}
    refused = api.post(f"{API}/labels", body, format="json")
    assert refused.status_code == 400
    assert refused.json()["errors"] == {
        "segment_num": [
            {"code": "invalid_choice", "message": "There is no segment with the number 19."}
        ]
    }
    changes.save(Segment(number=19, name="Страхование", group_id="banks"))
    answer = api.post(f"{API}/labels", body, format="json").json()
    assert (answer["segment_num"], answer["segment"]) == (19, "Страхование")
    [found] = api.get(f"{API}/creatives?segment=19").json()["results"]
    assert (found["id"], found["segment"]) == (creative.pk, "Страхование")


WAYS: list[tuple[str, str, Any]] = [
    ("post", "/labels", {"segment_num": 6, "advertisement_id": "100"}),
    ("post", "/labels/batches", {"segment_num": 6, "advertisement_ids": ["100"], "dry_run": True}),
    ("patch", "/creatives/{}", {"label": {"segment_num": 6}}),
    ("post", "/labels/batches", {"segment_num": 3, "filter": {"segment": ["6"]}, "dry_run": True}),
    ("get", "/creatives?segment=6", None),
    ("get", "/labels?segment=6", None),
    ("get", "/predictions?segment=6", None),
    ("get", "/spend/report?by=segment&segment=6", None),
    ("get", "/spend/creatives?segment=6", None),
    ("post", "/exports", {"kind": "creatives", "format": "csv", "filters": {"segment": ["6"]}}),
]


@pytest.mark.parametrize(("method", "address", "body"), WAYS)
def test_a_merged_number_counts_as_its_target_with_a_note(
    api: APIClient, creative: Creative, method: str, address: str, body: Any
) -> None:
    options = {} if body is None else {"data": body, "format": "json"}
    response = getattr(api, method)(f"{API}{address.format(creative.pk)}", **options)
    assert response.status_code < 300, response.content
    assert response["Merged-Segments"] == "6;into=0"
    assert not Label.objects.filter(segment=6).exclude(creative__labels__segment=6).exists()


def test_labels_of_merged_segments_are_shown_as_they_were_set(
    api: APIClient, creative: Creative
) -> None:
    [label] = api.get(f"{API}/labels?segment=0").json()["results"]
    assert (label["segment_num"], label["creative"]) == (6, creative.pk)
    found = api.get(f"{API}/creatives/{creative.pk}").json()
    assert (found["segment_num"], found["label_segment_num"], found["segment"]) == (
        0, 0, "Промо/Нет/Нет"
    )  # fmt: skip
    answer = api.post(
        f"{API}/labels", {"segment_num": 6, "creative": creative.pk}, format="json"
    ).json()
    assert answer["segment_num"] == 0


def test_a_repeated_request_gets_the_note_again(api: APIClient, creative: Creative) -> None:
    body = {"segment_num": 6, "creative": creative.pk}
    for _time in range(2):
        response = api.post(f"{API}/labels", body, format="json", headers={"Idempotency-Key": "k"})
        assert response["Merged-Segments"] == "6;into=0"
    assert Label.objects.count() == 2


def test_a_retired_segment_can_be_filtered_by_and_not_set(
    api: APIClient, creative: Creative
) -> None:
    set_label(creative, Segment.objects.get(pk=15), None)
    changes.retire(15)
    assert api.get(f"{API}/creatives?segment=15").json()["results"][0]["id"] == creative.pk
    body = {"segment_num": 15, "creative": creative.pk}
    [error] = api.post(f"{API}/labels", body, format="json").json()["errors"]["segment_num"]
    assert error == {"code": "retired_segment", "message": "Segment 15 is retired."}


@pytest.mark.parametrize("value", [-1, 6.5, "6", True, 10_000, 10**30])
def test_what_is_no_segment_number_is_refused(
    api: APIClient, creative: Creative, value: Any
) -> None:
    body = {"segment_num": value, "creative": creative.pk}
    assert api.post(f"{API}/labels", body, format="json").status_code == 400
    assert Label.objects.count() == 1


def test_the_segments_are_read_once_for_a_request(api: APIClient, creative: Creative) -> None:
    with CaptureQueriesContext(connection) as queries:
        found = api.get(f"{API}/creatives?segment=6&segment=0&label_segment=6").json()
    assert len(found["results"]) == 1
    readings = [one for one in queries if one["sql"].startswith('SELECT "creatives_segment"')]
    assert len(readings) == 1
