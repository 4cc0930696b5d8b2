"""Stored Advertisement IDs: normalised when stored, and found in other spellings."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from creativefilter.creatives.ids import IdError
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment, WaitingLabel
from creativefilter.creatives.stored_ids import set_advertisement_id, stored_ids
from creativefilter.spend.models import Advertisement
from tests.api.conftest import upload
from tests.creatives.analysing import take_in

pytestmark = pytest.mark.django_db
CREATIVES = "/api/v1/creatives"
LIST = "/admin/creatives/creative/"


def creative(name: str) -> Creative:
    return Creative.objects.create(advertisement_id=name, name=name)


def names() -> set[str]:
    return {str(name) for name in Creative.objects.values_list("advertisement_id", flat=True)}


def migrate(app: str, name: str) -> None:
    import_module(f"creativefilter.{app}.migrations.{name}").rename(
        apps, connection.schema_editor()
    )


def test_migrations_normalise_old_ids_that_no_other_row_shares() -> None:
    for name in ("0001", "№ 2", "007", "7", "AD-7", "00"):
        creative(name)
    Creative.objects.create(name="without")
    for name in ("0003", "01", "05", "5"):
        WaitingLabel.objects.create(advertisement_id=name, segment_id=12, source="t")
    for name in ("0009", "008", "8"):
        Advertisement.objects.create(advertisement_id=name)
    migrate("creatives", "0007_normal_ids")
    migrate("spend", "0005_bad_row_sheets")
    assert names() == {"1", "2", "007", "7", "AD-7", "0", "None"}
    # "01" is not renamed: creative "1" has its ID already, and a waiting label becomes a label only
    # when a creative gets its ID.
    waiting = set(WaitingLabel.objects.values_list("advertisement_id", flat=True))
    assert waiting == {"3", "01", "05", "5"}
    spent = set(Advertisement.objects.values_list("advertisement_id", flat=True))
    assert spent == {"9", "008", "8"}


def test_an_id_finds_the_stored_id_of_the_same_text_or_of_its_normalised_form() -> None:
    for name in ("007", "7", "8", "0009"):
        creative(name)
    asked = ["007", "7", " 7 ", "0007", "№ 8", "8.0", "0009", "9", "none"]
    assert stored_ids(asked) == {
        "007": "007", "7": "7", " 7 ": "7", "0007": "7", "№ 8": "8", "8.0": "8", "0009": "0009",
    }  # fmt: skip


@pytest.mark.parametrize("given", ["0004297908", "№ 4297908", "4 297 908", "4297908.mp4"])
def test_search_finds_a_normalised_id_in_other_spellings(
    given: str, api: APIClient, client: Client, analyst: User
) -> None:
    row, _other = creative("4297908"), creative("4297909")
    for query in ({"search": given}, {"advertisement_id": given}):
        found = api.get(CREATIVES, query).json()["results"]
        assert [each["id"] for each in found] == [row.pk]
    client.force_login(analyst)
    listed = client.get(LIST, {"q": given}).context["cl"].result_list
    assert [each.pk for each in listed] == [row.pk]


def test_search_finds_an_id_that_was_not_normalised_by_its_text(
    api: APIClient, client: Client, analyst: User
) -> None:
    old, new = creative("007"), creative("7")
    found = api.get(CREATIVES, {"search": "007"}).json()["results"]
    assert {each["id"] for each in found} == {old.pk, new.pk}
    client.force_login(analyst)
    assert set(client.get(LIST, {"q": "007"}).context["cl"].result_list) == {old, new}


def test_uploads_that_spell_an_id_differently_are_of_one_creative(
    api: APIClient, folders: Path
) -> None:
    take_in(b"1", "0004297908.avi")
    take_in(b"2", "any.avi", advertisement_id="№ 4297908")
    response = api.post(CREATIVES, upload(b"3", "x.avi", advertisement_id="4297908.0"))
    assert response.status_code in (200, 202), response.json()
    assert names() == {"4297908"}
    assert Creative.objects.get().media.count() == 3


def test_an_id_whose_digits_are_lost_is_refused(api: APIClient, folders: Path) -> None:
    row = creative("1")
    answer = api.patch(f"{CREATIVES}/{row.pk}", {"advertisement_id": "4.2979E+06"}, format="json")
    assert answer.status_code == 400
    assert "shortened the Advertisement ID" in str(answer.json())
    with pytest.raises(IdError):
        set_advertisement_id(row, "1E9")
    row.refresh_from_db()
    assert row.advertisement_id == "1"


def test_ids_entered_by_a_person_are_normalised_or_refused(
    client: Client, analyst: User, api: APIClient
) -> None:
    row = creative("1")
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    address = f"{LIST}{row.pk}/identify/"
    page = client.post(address, {"advertisement_id": "'0042"}, follow=True).content.decode()
    assert "Advertisement ID: 42." in page
    page = client.post(address, {"advertisement_id": "4.2E+9"}, follow=True).content.decode()
    assert "A spreadsheet program has shortened the Advertisement ID" in page
    row.refresh_from_db()
    assert row.advertisement_id == "42"
    label = {"advertisement_id": "0042", "segment_num": 12}
    assert api.post("/api/v1/labels", label, format="json").status_code == 201
    many: dict[str, Any] = {"advertisement_ids": ["042", "№ 42", "43"], "segment_num": 3}
    done = api.post("/api/v1/labels/batches", many, format="json").json()
    assert done["unknown_advertisement_ids"] == ["43"]
    assert row.labels.first().segment_id == 3


@pytest.mark.parametrize("number", [3, None])
def test_a_waiting_label_never_overrules_a_person(analyst: User, number: int | None) -> None:
    row = Creative.objects.create(name="without an ID")
    set_label(row, Segment.objects.get(pk=3), analyst)
    if number is None:
        set_label(row, None, analyst)
    before = row.labels.count()
    WaitingLabel.objects.create(advertisement_id="42", segment_id=12, source="t.csv")
    set_advertisement_id(row, "42")
    assert row.labels.count() == before
    assert row.labels.first().segment_id == number
    assert not WaitingLabel.objects.exists()
