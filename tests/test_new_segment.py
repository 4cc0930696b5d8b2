"""A 19th segment: added in the admin, labelled, filtered, charted, exported, merged and back."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives.labels import imports
from creativefilter.creatives.models import Creative, Label, Prediction
from creativefilter.sheets import Place, Record
from creativefilter.spend.imports import importer
from creativefilter.spend.reports import expected_spend
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import checks
from creativefilter.tables.answers import Answers
from creativefilter.training import labelled_creatives
from tests.spend import reference_spend
from tests.spend.spend_files import table
from tests.spend.test_uncertainty import probabilities_of

pytestmark = pytest.mark.django_db
SEGMENTS = "/admin/creatives/segment/"
CREATIVES = "/admin/creatives/creative/"
NEW = {"number": "19", "group": "banks", "name": "Страхование", "criteria": "ОСАГО"}
# 1: labelled on its page, 2: by an imported table, 3: by REST, 4: predicted, 5: waits.
ROWS = tuple(f"{n},A,B,TV,{10**n}.25,2021,3" for n in range(1, 6))
IN_ALL = Decimal("111110") + 5 * Decimal("0.25")


@pytest.fixture
def page(client: Client, analyst: User) -> Client:
    client.force_login(analyst)
    return client


@pytest.fixture
def creatives(page: Client, api: APIClient, tmp_path: Path) -> dict[str, Creative]:
    """Creatives of the new segment, each labelled another way, with their spend."""
    importer.import_file(table(tmp_path, *ROWS))
    page.post(f"{SEGMENTS}add/", NEW)
    rows = {n: Creative.objects.create(advertisement_id=n, name=n) for n in "1234"}
    page.post(reverse("admin:creatives_label", args=[rows["1"].pk]), {"segment": "19"})
    records = [Record(Place(0, n, ""), (str(n), "19")) for n in (2, 5)]
    assert imports.import_labels(records, "labels.csv").added == 1
    api.post("/api/v1/labels", {"creative": rows["3"].pk, "segment_num": 19}, format="json")
    reference_spend.predict([rows["4"]], probabilities_of((0.0, 0.75)))
    prediction = Prediction.objects.get()
    Prediction.objects.filter(pk=prediction.pk).update(
        segment=19, probabilities={"19": 0.75, "13": 0.25}
    )
    return rows


def downloaded(page: Client, address: str) -> list[list[str]]:
    response: Any = page.get(address)
    lines = b"".join(response.streaming_content).decode().splitlines()
    return list(csv.reader(lines[1:]))


def counted(page: Client) -> dict[str, Decimal]:
    """Return the spend by segment as the table of the chart is downloaded."""
    rows = downloaded(page, reverse("admin:spend_table", args=["totals-segment", "csv"]))
    return {row[0]: Decimal(row[1]) for row in rows}


def by_segment(api: APIClient) -> dict[int, str]:
    found = api.get("/api/v1/spend/report/expected").json()["segments"]
    return {row["segment_num"]: row["expected"] for row in found}


def listed(page: Client, segment: int) -> set[str]:
    rows = page.get(f"{CREATIVES}?segment={segment}").context["cl"].result_list
    return {row.advertisement_id for row in rows}


def test_a_new_segment_is_used_everywhere_and_merged_and_brought_back(
    page: Client, api: APIClient, creatives: dict[str, Creative]
) -> None:
    stored = list(Label.objects.values()), list(Prediction.objects.values())
    before = seen(page, api)
    assert before == {
        "charts": {"19 · Страхование": IN_ALL},
        "expected": {13: "2500.0625", 19: "108611.1875"},
        "listed": ({"1", "2", "3", "4"}, set()),
        "rest": {"1", "2", "3", "4"},
        "names": {"Страхование"},
        "labels": {19: 3},
        "export": ["19"] * 5,
        "tables": [19] * 5,
    }
    page.post(f"{SEGMENTS}19/merge/", {"into": "13"})
    assert seen(page, api) == {
        "charts": {"13 · Инвестиционные продукты": IN_ALL},
        "expected": {13: str(IN_ALL) + "00"},
        # A filter by the merged number selects what counts under its target.
        "listed": ({"1", "2", "3", "4"}, {"1", "2", "3", "4"}),
        "rest": {"1", "2", "3", "4"},
        "names": {"Инвестиционные продукты"},
        "labels": {13: 3},
        "export": ["13"] * 5,
        "tables": [13] * 5,
    }
    assert checks.check().agrees
    page.post(f"{SEGMENTS}19/undo-merge/")
    assert seen(page, api) == before
    assert checks.check().agrees
    assert (list(Label.objects.values()), list(Prediction.objects.values())) == stored
    actions = AuditEntry.objects.filter(action__startswith="segment").order_by("pk")
    assert [(one.action, one.actor_name) for one in actions] == [
        ("segment_added", "analyst"),
        ("segment_merged", "analyst"),
        ("segment_merge_undone", "analyst"),
    ]


def seen(page: Client, api: APIClient) -> dict[str, Any]:
    """Return what pages, reports, REST, tables and training show of the segment."""
    rows = api.get("/api/v1/creatives?segment=19").json()["results"]
    labelled = labelled_creatives.labelled().values_list("label_segment", flat=True)
    return {
        "charts": counted(page),
        "expected": by_segment(api),
        "listed": (listed(page, 19), listed(page, 13)),
        "rest": {row["advertisement_id"] for row in rows},
        "names": {row["segment"] for row in rows},
        "labels": {number: list(labelled).count(number) for number in labelled},
        "export": [row[1] for row in downloaded(page, reverse("admin:spend_export", args=["csv"]))],
        "tables": [answer.number for answer in Answers("ru").of(list("12345"))],
    }


def test_the_charts_show_the_group_of_a_new_segment(
    page: Client, creatives: dict[str, Creative]
) -> None:
    page.get(reverse("admin:spend_charts"))  # counts the new labels
    drawn = page.get(reverse("admin:spend_chart", args=["months-segment"])).json()
    [trace] = drawn["figure"]["data"]
    assert (trace["name"], trace["legendgroup"]) == ("19 · Страхование", "Банки")
    assert "ОСАГО" in trace["hovertemplate"]
    ranked = page.get(reverse("admin:spend_chart", args=["totals-segment"])).json()
    assert ranked["table"]["columns"][-1] == "Группа"
    assert [row[-1] for row in ranked["table"]["rows"]] == ["Банки"]
    assert "ОСАГО" in ranked["figure"]["data"][0]["hovertext"][0]
    choices = page.get(reverse("admin:spend_choices", args=["segment"])).json()["choices"]
    assert [(one["value"], one["group"], one["title"]) for one in choices] == [
        ("19", "Банки", "ОСАГО")
    ]


def test_a_retired_segment_stays_in_reports_and_leaves_the_default_choices(
    page: Client, creatives: dict[str, Creative]
) -> None:
    page.post(f"{SEGMENTS}19/retire/", {"_form_submitted": "True"})
    assert counted(page) == {"19 · Страхование": IN_ALL}
    address = reverse("admin:spend_choices", args=["segment"])
    assert page.get(address).json()["choices"] == []
    [found] = page.get(address, {"q": "страх"}).json()["choices"]
    assert found["value"] == "19"
    estimate = expected_spend.study(Filters(segments=(19,)))[0]
    assert [row.segment for row in estimate.segments] == [13, 19]
