"""REST views of creatives: list, search, upload, change, delete, analyse again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from creativefilter.accounts.roles import Role
from creativefilter.creatives import model_versions
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import (
    Creative,
    Label,
    Segment,
    WaitingLabel,
)
from creativefilter.jobs.models import Job
from tests.api.roles_of import client_of
from tests.api.rows import creative

pytestmark = pytest.mark.django_db
CREATIVES = "/api/v1/creatives"


@pytest.fixture
def three() -> list[Creative]:
    """101: predicted 3, labelled 5. 102: predicted 3. 103: not classified, with a brand."""
    rows = [creative(101, 3), creative(102, 3), creative(103, brand="Ёлка")]
    set_label(rows[0], Segment.objects.get(pk=5), None)
    return rows


def ids_of(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["advertisement_id"] for row in response.json()["results"]]


def test_the_list_shows_effective_segments_without_long_fields(
    api: APIClient, three: list[Creative]
) -> None:
    last, middle, first = api.get(CREATIVES).json()["results"]
    assert (first["segment_num"], first["reviewed"], first["predicted_segment_num"]) == (5, True, 3)
    assert (middle["segment_num"], middle["probability"], middle["decision"]) == (
        3,
        0.602,
        "review",
    )
    assert middle["segment"] == Segment.objects.get(pk=3).name
    assert (last["segment_num"], last["probability"], last["conflict"]) == (None, None, None)
    assert not {"transcript", "screen_text", "probabilities", "channels", "media"} & set(first)
    asked = api.get(f"{CREATIVES}?fields=id,transcript,screen_text").json()["results"][0]
    assert asked == {
        "id": three[2].pk, "transcript": "Кредит номер 103", "screen_text": "ЭКРАН 103"
    }  # fmt: skip
    assert api.get(f"{CREATIVES}?fields=id,colour").status_code == 400


FILTERED = (
    ("segment=3", ["102"]),
    ("segment=none&segment=5", ["103", "101"]),
    ("predicted_segment=3", ["102", "101"]),
    ("label_segment=none", ["103", "102"]),
    ("reviewed=true", ["101"]),
    ("reviewed=false&decision=review", ["102"]),
    ("conflict=false", ["102", "101"]),
    ("probability_min=0.6015", ["102"]),
    ("probability_max=0.6015", ["101"]),
    ("advertisement_id=101&advertisement_id=103&advertisement_id=9", ["103", "101"]),
    ("brand=Ёлка", ["103"]),
    ("state=done&state=failed", ["103", "102", "101"]),
    ("state=queued", []),
    ("is_demo=true", []),
    ("is_exam=true", []),
    ("created_from=2020-01-01T00:00:00Z&created_to=2021-01-01", []),
    ("search=КРЕДИТ 102", ["102"]),
    ("search=экран 101", ["101"]),
    ("search=103.MP4", ["103"]),
    ("ordering=probability", ["103", "101", "102"]),
    ("ordering=-name", ["103", "102", "101"]),
)


def test_the_list_is_filtered_and_ordered(api: APIClient, three: list[Creative]) -> None:
    for query, expected in FILTERED:
        assert ids_of(api.get(f"{CREATIVES}?{query}")) == expected, query


def test_creatives_show_and_are_filtered_by_the_exam_set(
    api: APIClient, three: list[Creative]
) -> None:
    for row, is_exam in zip(three, (True, False, None), strict=True):
        Creative.objects.filter(pk=row.pk).update(is_exam=is_exam)
    listed = {row["id"]: row["is_exam"] for row in api.get(CREATIVES).json()["results"]}
    assert listed == {three[0].pk: True, three[1].pk: False, three[2].pk: None}
    assert ids_of(api.get(f"{CREATIVES}?is_exam=true")) == ["101"]
    assert ids_of(api.get(f"{CREATIVES}?is_exam=false")) == ["102"]
    assert ids_of(api.get(f"{CREATIVES}?is_exam=true&reviewed=false")) == []


def test_creatives_are_filtered_by_model_version(api: APIClient, three: list[Creative]) -> None:
    version = model_versions.active().pk
    assert ids_of(api.get(f"{CREATIVES}?model_version={version}")) == ["102", "101"]
    assert ids_of(api.get(f"{CREATIVES}?model_version={version + 1}")) == []


INVALID = (
    "segment=19", "segment=007", "segment=+1", "segment=", "reviewed=perhaps",
    "probability_min=nan", "probability_max=2",
    "model_version=99999999999999999999", "model_version=x", "search=a%00b", "brand=%00",
    "created_to=soon", "created_to=",
    "page_size=", "ordering=", "decision=", "model_version=", "reviewed=1", "fields=",
    "ordering=media",
    "state=ready", "cursor=x", "page_size=501", "search=" + "x" * 201,
)  # fmt: skip


def test_invalid_parameters_are_refused_by_name(api: APIClient) -> None:
    for query in INVALID:
        response = api.get(f"{CREATIVES}?{query}")
        assert response.status_code == 400, query
        assert list(response.json()["errors"]) == [query.partition("=")[0]]


def test_filters_accept_times_at_the_ends_of_the_calendar(api: APIClient) -> None:
    creative(1)
    for query in (
        "created_from=2001-02-03T04:05:06%2B16:57",
        "created_from=0001-01-01T00:00:00%2B14:00",
        "created_to=9999-12-31T23:00:00-14:00",
    ):
        assert len(api.get(f"{CREATIVES}?{query}").json()["results"]) == 1


def test_fields_may_be_separated_by_commas_or_repeated(api: APIClient) -> None:
    creative(1)
    for query in ("fields=id,name", "fields=id&fields=name"):
        [row] = api.get(f"{CREATIVES}?{query}").json()["results"]
        assert set(row) == {"id", "name"}


def test_pages_have_every_row_once(api: APIClient) -> None:
    for number in range(7):
        creative(number, 3 if number < 2 else None)
    found, address = [], f"{CREATIVES}?page_size=2&ordering=-probability"
    while address:
        page = api.get(address).json()
        found += [row["advertisement_id"] for row in page["results"]]
        address = page["next"]
    assert found == ["1", "0", "6", "5", "4", "3", "2"]


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(api: APIClient) -> None:
    address = f"{CREATIVES}?fields=id,transcript,screen_text,channels,media,model_version,error"
    creative(1, 3)
    api.get(address)  # the first request of a process makes more queries
    with CaptureQueriesContext(connection) as few:
        assert api.get(address).status_code == 200
    for number in range(2, 9):
        creative(number, 3)
    with CaptureQueriesContext(connection) as many:
        assert len(api.get(address).json()["results"]) == 8
    assert len(many) == len(few)
    with CaptureQueriesContext(connection) as short:
        api.get(CREATIVES)
    assert not any('"speech"' in query["sql"] for query in short)


def test_one_creative_is_shown_with_all_fields(api: APIClient, three: list[Creative]) -> None:
    address = f"{CREATIVES}/{three[1].pk}"
    response = api.get(address)
    found = response.json()
    assert found["url"].endswith(address)
    assert found["transcript"] == "Кредит номер 102"
    assert found["probabilities"] == [
        {"segment_num": 3, "probability": 0.75}, {"segment_num": 0, "probability": 0.25}
    ]  # fmt: skip
    assert found["channels"][0]["segment_num"] == 3
    assert found["media"]["frames"][0]["url"].endswith("/frame-00.jpg")
    assert found["media"]["url"] is None
    assert api.get(address, headers={"If-None-Match": response["ETag"]}).status_code == 304
    assert api.get(f"{CREATIVES}/999999").status_code == 404
    assert api.get(f"{CREATIVES}/{10**30}").status_code == 404


def test_a_label_is_set_and_withdrawn(api: APIClient, three: list[Creative], analyst: User) -> None:
    address = f"{CREATIVES}/{three[1].pk}"
    label = {"segment_num": 7, "note": "why"}
    response = api.patch(address, {"label": label}, format="json")
    assert (response.json()["segment_num"], response.json()["reviewed"]) == (7, True)
    row = Label.objects.get(creative=three[1])
    assert (row.segment_id, row.note, row.author) == (7, "why", analyst)
    response = api.patch(address, {"label": {"segment_num": None}}, format="json")
    assert (response.json()["segment_num"], response.json()["reviewed"]) == (3, False)
    history = api.get(f"{address}/labels").json()["results"]
    assert [row["segment_num"] for row in history] == [None, 7]
    assert history[1]["author"] == "analyst"
    [prediction] = api.get(f"{address}/predictions").json()["results"]
    assert (prediction["segment_num"], "channels" in prediction) == (3, False)


WRONG = (
        {"label": {"segment_num": 19}}, {"label": {"segment_num": "3"}}, {"label": {}},
        {"label": {"segment_num": True}}, {"label": {"segment_num": 3, "note": "x" * 256}},
        {"label": {"segment_num": 3, "note": "\x00"}},
    {"label": {"segment_num": 3, "note": "\ud800"}}, {"label": 3}, {"advertisement_id": ""},
    {"label": {"segment_num": 10**30}},
    {"advertisement_id": "1" * 65}, {"advertisement_id": {"a": 1}}, {"advertisement_id": 0},
    [], 3,
)  # fmt: skip


def test_an_invalid_change_is_refused(api: APIClient, three: list[Creative]) -> None:
    bodies = [json.dumps(body) for body in WRONG]
    for body in (*bodies, "{", '{"label": {"segment_num": NaN}}'):
        response = api.patch(f"{CREATIVES}/{three[1].pk}", body, content_type="application/json")
        assert response.status_code == 400, body
    assert not Label.objects.filter(creative=three[1]).exists()


def test_an_advertisement_id_is_unique_and_its_waiting_label_is_set(
    api: APIClient, three: list[Creative]
) -> None:
    WaitingLabel.objects.create(advertisement_id="555", segment_id=9, source="table")
    address = f"{CREATIVES}/{three[1].pk}"
    response = api.patch(address, {"advertisement_id": "555"}, format="json")
    assert (response.json()["advertisement_id"], response.json()["segment_num"]) == ("555", 9)
    body = {"advertisement_id": "101", "label": {"segment_num": 1}}
    taken = api.patch(address, body, format="json")
    assert (taken.status_code, taken.json()["code"]) == (409, "advertisement_id_taken")
    three[1].refresh_from_db()
    assert (three[1].advertisement_id, three[1].labels.count()) == ("555", 1)
    assert api.patch(address, {"advertisement_id": None}, format="json").status_code == 200


def test_a_change_of_an_old_state_is_refused(api: APIClient, three: list[Creative]) -> None:
    address = f"{CREATIVES}/{three[1].pk}"
    old_state = {"If-Match": api.get(address)["ETag"]}
    change = {"label": {"segment_num": 7}}
    first = api.patch(address, change, format="json", headers=old_state)
    assert first.status_code == 200
    again = api.patch(address, {"label": {"segment_num": 8}}, format="json", headers=old_state)
    assert (again.status_code, again.json()["code"]) == (412, "precondition_failed")
    assert api.delete(address, headers=old_state).status_code == 412
    assert api.delete(address, headers={"If-Match": first["ETag"]}).status_code == 204


def test_an_upload_answers_with_the_outcome_for_each_file(
    api: APIClient, folders: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 5
    files = [
        SimpleUploadedFile(name, content)
        for name, content in (("1.mp4", b"one"), ("2.mp4", b"too long"), ("3.mp4", b"one"))
    ]
    with django_capture_on_commit_callbacks():
        response = api.post(CREATIVES, {"file": files})
    assert response.status_code == 202, response.content
    answer = response.json()
    assert (answer["accepted"], answer["refused"]) == (2, 1)
    assert [row["accepted"] for row in answer["results"]] == [True, False, True]
    assert answer["results"][1]["problem"]["code"] == "too_large"
    row = answer["results"][0]
    assert api.get(row["url"]).json()["advertisement_id"] == "1"
    assert api.get(row["job_url"]).json()["kind"] == "analyse"
    media = api.get(row["url"]).json()["media"]
    assert b"".join(api.get(media["url"]).streaming_content) == b"one"
    assert Creative.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "file"), ({"file": "text"}, "file.0"),
        ({"file": ["a.mp4", "b.mp4"], "advertisement_id": "1"}, "advertisement_id"),
    ],
)  # fmt: skip
def test_an_upload_without_an_accepted_file_is_an_error(
    api: APIClient, folders: Path, fields: Any, name: str
) -> None:
    if isinstance(fields.get("file"), list):
        fields = {**fields, "file": [SimpleUploadedFile(n, b"too long") for n in fields["file"]]}
    response = api.post(CREATIVES, fields)
    assert (response.status_code, list(response.json()["errors"])) == (400, [name])
    assert not Creative.objects.exists()


def test_different_reasons_of_refusal_are_listed_by_file(
    api: APIClient, folders: Path, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 5
    files = [SimpleUploadedFile("1.mp4", b""), SimpleUploadedFile("2.mp4", b"too long")]
    response = api.post(CREATIVES, {"file": files})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_input")
    reasons = response.json()["errors"]["file"]
    assert [reason["code"] for reason in reasons] == ["empty", "too_large"]
    assert [reason["message"].partition(":")[0] for reason in reasons] == ["1.mp4", "2.mp4"]
    assert not Creative.objects.exists()


def test_a_creative_can_not_be_analysed_again_while_a_job_runs(
    api: APIClient, folders: Path, form: Any, django_capture_on_commit_callbacks: Any
) -> None:
    address = api.post(CREATIVES, form(b"bytes"))["Location"]
    Job.objects.update(state=Job.State.FAILED)
    with django_capture_on_commit_callbacks() as queued:
        response = api.post(f"{address}/analyse")
    assert (response.status_code, response.json()["state"], len(queued)) == (202, "queued", 1)
    assert api.get(response["Location"]).status_code == 200
    busy = api.post(f"{address}/analyse")
    assert (busy.status_code, busy.json()["code"]) == (409, "not_analysable")


def test_deleting_a_creative_deletes_its_files(
    api: APIClient, folders: Path, form: Any, django_capture_on_commit_callbacks: Any
) -> None:
    address = api.post(CREATIVES, form(b"bytes"))["Location"]
    assert [path for path in folders.rglob("*") if path.is_file()]
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404
    assert not [path for path in folders.rglob("*") if path.is_file()]


def test_each_role_has_its_permissions(three: list[Creative], anonymous: APIClient) -> None:
    address = f"{CREATIVES}/{three[1].pk}"
    change = {"label": {"segment_num": 7}}
    viewer, analyst = client_of(Role.VIEWER), client_of(Role.ANALYST)
    assert viewer.get(address).status_code == viewer.get(CREATIVES).status_code == 200
    assert viewer.patch(address, change, format="json").status_code == 403
    assert viewer.post(f"{address}/analyse").status_code == 403
    assert viewer.post(CREATIVES).status_code == 403
    assert analyst.patch(address, change, format="json").status_code == 200
    assert analyst.delete(address).status_code == 403
    assert client_of(Role.LEAD).delete(address).status_code == 204
    assert anonymous.get(CREATIVES).status_code == 401


def test_predictions_are_listed_filtered_and_shown(api: APIClient, three: list[Creative]) -> None:
    address = "/api/v1/predictions"
    rows = api.get(f"{address}?segment=3&decision=review").json()["results"]
    assert [row["creative"] for row in rows] == [three[1].pk]
    assert api.get(f"{address}?creative={three[2].pk}").json()["results"] == []
    one = api.get(rows[0]["url"]).json()
    assert one["probabilities"][0]["segment_num"] == 3
    assert one["model_version_name"] == model_versions.active().name
    assert api.get(f"{address}?conflict=x").status_code == 400
