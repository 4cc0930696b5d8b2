"""REST views of labels and label batches: list, set, undo."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from creativefilter.accounts.roles import Role
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, LabelBatch, Segment
from tests.api.roles_of import client_of

pytestmark = pytest.mark.django_db
LABELS = "/api/v1/labels"
BATCHES = f"{LABELS}/batches"


@pytest.fixture
def four(analyst: User) -> list[Creative]:
    """Creatives: not labelled; labelled 3; labelled 5 by the analyst; label 7 withdrawn."""
    rows = [
        Creative.objects.create(name=f"{number}.mp4", advertisement_id=f"10{number}", brand="B")
        for number in range(4)
    ]
    set_label(rows[1], Segment.objects.get(pk=3), None)
    set_label(rows[2], Segment.objects.get(pk=5), analyst)
    set_label(rows[3], Segment.objects.get(pk=7), None)
    set_label(rows[3], None, None)
    return rows


def effective() -> list[int | None]:
    rows = Creative.objects.with_effective_segment().order_by("pk")
    return list(rows.values_list("effective_segment", flat=True))


def test_a_creative_is_labelled_by_key_or_advertisement_id(
    api: APIClient, four: list[Creative], analyst: User
) -> None:
    body = {"advertisement_id": "100", "segment_num": 0, "note": "why"}
    response = api.post(LABELS, body, format="json")
    assert response.status_code == 201, response.content
    answer = api.get(response["Location"]).json()
    assert (answer["creative"], answer["segment_num"], answer["note"]) == (four[0].pk, 0, "why")
    assert (answer["author"], answer["batch"]) == ("analyst", None)
    body = {"creative": four[1].pk, "segment_num": None}
    assert api.post(LABELS, body, format="json").json()["segment"] is None
    assert effective() == [0, None, 5, None]


def test_labels_are_listed_with_filters(api: APIClient, four: list[Creative]) -> None:
    def found(query: str) -> list[int]:
        response = api.get(f"{LABELS}?{query}")
        return [row["creative"] for row in response.json()["results"]]

    numbers = [row.pk for row in four]
    assert found("") == [numbers[3], numbers[3], numbers[2], numbers[1]]
    assert found("segment=none") == [numbers[3]]
    assert found(f"creative={numbers[3]}&segment=7") == [numbers[3]]
    assert found("author=analyst") == [numbers[2]]
    assert found("batch=1") == []


def test_a_dry_run_counts_and_changes_nothing(api: APIClient, four: list[Creative]) -> None:
    body = {"segment_num": 5, "filter": {"brand": ["B"]}, "dry_run": True}
    response = api.post(BATCHES, body, format="json")
    assert response.status_code == 200, response.content
    assert response.json() == {
        "batch": None,
        "changing": 3,
        "same": 1,
        "before": [
            {"segment_num": None, "creatives": 2, "labelled": 0},
            {"segment_num": 3, "creatives": 1, "labelled": 1},
            {"segment_num": 5, "creatives": 1, "labelled": 1},
        ],
        "unknown_creatives": [],
        "unknown_advertisement_ids": [],
    }
    assert not LabelBatch.objects.exists()


def test_a_batch_labels_many_creatives_and_is_undone_once(
    api: APIClient, four: list[Creative], analyst: User
) -> None:
    body = {"segment_num": 5, "advertisement_ids": ["100", "101", "999", "100"], "note": "n"}
    response = api.post(BATCHES, body, format="json")
    assert response.status_code == 201, response.content
    answer = response.json()
    assert (answer["changing"], answer["unknown_advertisement_ids"]) == (2, ["999"])
    assert effective() == [5, 5, 5, None]
    batch = api.get(response["Location"]).json()
    assert (batch["size"], batch["author"], batch["undone_at"]) == (2, "analyst", None)
    assert [row["id"] for row in api.get(BATCHES).json()["results"]] == [batch["id"]]
    rows = api.get(f"{LABELS}?batch={batch['id']}").json()["results"]
    assert {row["creative"] for row in rows} == {four[0].pk, four[1].pk}
    undone = api.post(f"{batch['url']}/undo")
    assert (undone.status_code, undone.json()["restored"]) == (200, 2)
    assert effective() == [None, 3, 5, None]
    again = api.post(f"{batch['url']}/undo")
    assert (again.status_code, again.json()["code"]) == (409, "already_undone")


def test_a_batch_with_the_same_idempotency_key_is_set_once(
    api: APIClient, four: list[Creative]
) -> None:
    body = {"segment_num": 5, "creatives": [four[0].pk, 10**15]}
    key = {"Idempotency-Key": "one"}
    first = api.post(BATCHES, body, format="json", headers=key)
    again = api.post(BATCHES, body, format="json", headers=key)
    assert first.json() == again.json()
    assert first.json()["unknown_creatives"] == [10**15]
    assert LabelBatch.objects.count() == 1


def test_filters_in_the_body_select_the_right_creatives(
    api: APIClient, four: list[Creative]
) -> None:
    for filters, changing in (
        ({"segment": ["3", "none"]}, 3),
        ({"label_segment": ["5"], "reviewed": True}, 0),
        ({"reviewed": False, "created_from": "2020-01-01T00:00:00Z"}, 2),
        ({"search": "101", "advertisement_id": ["101", "102"]}, 1),
        ({"state": ["done"]}, 0),
        ({"probability_min": 0.5}, 0),
        ({}, 3),
    ):
        body = {"segment_num": 5, "filter": filters, "dry_run": True}
        assert api.post(BATCHES, body, format="json").json()["changing"] == changing, filters


def test_a_batch_is_refused_if_the_number_of_creatives_has_changed(
    api: APIClient, four: list[Creative]
) -> None:
    body = {"segment_num": 5, "filter": {}, "expected": 4}
    response = api.post(BATCHES, body, format="json")
    assert (response.status_code, response.json()["code"]) == (409, "creatives_changed")
    assert effective() == [None, 3, 5, None]
    assert api.post(BATCHES, {**body, "expected": 3}, format="json").status_code == 201


WRONG: tuple[tuple[str, Any, str], ...] = (
    (LABELS, {"segment_num": 3}, "creative"),
    (LABELS, {"segment_num": 3, "creative": 1, "advertisement_id": "1"}, "creative"),
    (LABELS, {"segment_num": 3, "creative": 10**30}, "creative"),
    (LABELS, {"creative": 1}, "segment_num"),
    (BATCHES, {"segment_num": 5}, "creatives"),
    (BATCHES, {"segment_num": 5, "creatives": [1], "filter": {}}, "creatives"),
    (BATCHES, {"segment_num": 5, "creatives": []}, "creatives"),
    (BATCHES, {"segment_num": None, "creatives": [1]}, "segment_num"),
    (BATCHES, {"segment_num": 5, "filter": {"colour": ["red"]}}, "filter.colour"),
    (BATCHES, {"segment_num": 5, "filter": {"segment": "3"}}, "filter.segment"),
    (BATCHES, {"segment_num": 5, "filter": {"search": "\x00"}}, "filter.search"),
    (BATCHES, {"segment_num": 5, "filter": {"created_to": "soon"}}, "filter.created_to"),
    (BATCHES, {"segment_num": 8, "creatives": [3], "dryrun": True}, "dryrun"),
    (BATCHES, {"segment_num": 10, "filter": {}}, "expected"),
    (BATCHES, {"segment_num": 10, "filter": {"brand": [], "search": ""}}, "expected"),
    (BATCHES, {"segment_num": 5, "filter": 5}, "filter.non_field_errors"),
)


def test_a_label_for_an_unknown_creative_is_refused(api: APIClient) -> None:
    for name, value in (("creative", 987654), ("advertisement_id", "987654")):
        response = api.post(LABELS, {"segment_num": 3, name: value}, format="json")
        assert (response.status_code, response.json()["code"]) == (404, "creative_not_found")


def test_an_invalid_request_is_refused_by_field(api: APIClient, four: list[Creative]) -> None:
    before = Label.objects.count()
    for address, body, field in WRONG:
        response = api.post(address, body, format="json")
        assert response.status_code == 400, body
        assert field in response.json()["errors"], (body, response.json())
    assert Label.objects.count() == before


def test_unknown_fields_have_a_code(api: APIClient, four: list[Creative]) -> None:
    body = {"segment_num": 8, "creatives": [four[0].pk], "dryrun": True, "filter": {"colour": 1}}
    for wrong, field in ((body, "dryrun"), ({"segment_num": 8, "filter": {"a": 1}}, "filter.a")):
        [problem] = api.post(BATCHES, wrong, format="json").json()["errors"][field]
        assert problem["code"] == "unknown_field"


def test_viewers_can_not_set_labels(four: list[Creative]) -> None:
    viewer, analyst = client_of(Role.VIEWER), client_of(Role.ANALYST, "another")
    body = {"segment_num": 5, "creatives": [four[0].pk]}
    batch = analyst.post(BATCHES, body, format="json")
    assert batch.status_code == 201
    assert viewer.get(LABELS).status_code == viewer.get(BATCHES).status_code == 200
    for address in (LABELS, BATCHES, f"{batch['Location']}/undo"):
        assert viewer.post(address, body, format="json").status_code == 403, address
