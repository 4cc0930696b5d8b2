"""REST views of spend reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from creativefilter.creatives import model_versions
from creativefilter.creatives.models import Creative, MediaVersion, Prediction, WaitingLabel
from creativefilter.spend.imports import importer
from creativefilter.spend.totals import segment_changes
from tests.spend.spend_files import text_of
from tests.spend.spent import IN_ALL, little_spend

pytestmark = pytest.mark.django_db
SPEND = "/api/v1/spend"


@pytest.fixture(autouse=True)
def little(settings: Any, tmp_path: Path) -> dict[str, Creative]:
    settings.MEDIA_ROOT = tmp_path
    return little_spend(tmp_path)


def test_a_report_by_segment_has_totals_and_rows(api: APIClient) -> None:
    found = api.get(f"{SPEND}/report?by=segment").json()
    assert found["overview"] == {
        "amount": f"{IN_ALL}00", "placements": 4, "advertisements": 3, "classified": 1,
        "unclassified": 1, "without_creative": 1, "first": "2021-03", "last": "2022-04",
    }  # fmt: skip
    assert found["is_current"] is True
    rows = [(row["key"], row["amount"], row["advertisements"]) for row in found["rows"]]
    assert rows == [("3", "2000000.2500", 1), ("none", "750000.5000", 2)]
    assert sum(row["share"] for row in found["rows"]) == pytest.approx(1)


def test_a_waiting_label_classifies_spend_without_a_creative(api: APIClient) -> None:
    WaitingLabel.objects.create(advertisement_id="300", segment_id=5)
    segment_changes.catch_up()
    overview = api.get(f"{SPEND}/report?by=segment").json()["overview"]
    names = ("advertisements", "classified", "unclassified", "without_creative")
    assert [overview[name] for name in names] == [3, 2, 1, 1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("by=month", [("2021-03", 1), ("2021-04", 1), ("2022-04", 1)]),
        ("by=media_type&most=1", [("TV Nat", 1), (None, 2)]),
        ("by=advertiser&segment=none&to=2021-12", [("МАГНИТ", 1)]),
        ("by=brand&brand=&brand=МАГНИТ", [("МАГНИТ", 1), ("", 1)]),
        ("by=month&reviewed=true&from=2021-01", [("2021-03", 1)]),
        ("by=segment&media_type=Radio&media_type=Internet", [("none", 2)]),
        ("by=segment&advertiser=nobody", []),
    ],
)
def test_a_report_is_grouped_and_filtered(api: APIClient, query: str, expected: list[Any]) -> None:
    rows = api.get(f"{SPEND}/report?{query}").json()["rows"]
    assert [(row["key"], row["advertisements"]) for row in rows] == expected


def test_the_monthly_report_has_a_series_for_each_key_and_one_for_the_rest(api: APIClient) -> None:
    found = api.get(f"{SPEND}/report/monthly?by=media_type&most=1&to=2021-12").json()
    assert found["months"] == ["2021-03", "2021-04"]
    assert [(line["key"], line["amounts"]) for line in found["series"]] == [
        ("TV Nat", ["2000000.2500", "0.0000"]), (None, ["0.0000", "500000.0000"])
    ]  # fmt: skip
    assert api.get(f"{SPEND}/report/monthly?by=segment&brand=x").json()["series"] == []


def test_expected_spend_has_intervals_and_creatives_worth_reviewing(
    api: APIClient, little: dict[str, Creative]
) -> None:
    row = little["200"]
    row.current_media = MediaVersion.objects.create(
        creative=row, original_name="2", sha256="2", size=1
    )
    row.save()
    Prediction.objects.create(
        creative=row, media=row.current_media, model_version=model_versions.active(),
        segment_id=5, probability=0.6, probabilities={"5": 0.6, "3": 0.4},
    )  # fmt: skip
    segment_changes.catch_up()
    found = api.get(f"{SPEND}/report/expected").json()
    by_number = {row["segment_num"]: row for row in found["segments"]}
    assert by_number[3]["certain"] == "2000000.2500"
    assert by_number[3]["expected"] == "2200000.2500"
    assert by_number[5]["low"] == "0.0000"
    assert by_number[5]["high"] == "500000.0000"
    [review] = found["review"]
    assert (review["creative"], review["segment_num"], review["share"]) == (row.pk, 5, 1.0)
    assert (found["not_classified"], found["predicted"]) == ("250000.5000", 1)
    assert found["made_at"] is None


def test_creatives_behind_a_figure_are_paged(api: APIClient, tmp_path: Path) -> None:
    path = tmp_path / "same.csv"
    lines = [f"{number},A,B,Press,10.5,2020,1" for number in range(900, 905)]
    path.write_text(text_of(*lines), "utf-8")
    importer.import_file(path)
    address, rows = f"{SPEND}/creatives?page_size=2", []
    while address:
        page = api.get(address).json()
        rows += page["results"]
        address = page["next"]
    named = [row["advertisement_id"] for row in rows]
    assert named == ["100", "200", "300", "900", "901", "902", "903", "904"]
    first, third = rows[0], rows[2]
    assert (first["segment_num"], first["reviewed"], first["amount"]) == (3, True, "2000000.2500")
    assert (third["creative"], third["url"], third["segment_num"]) == (None, None, None)
    back = api.get(page["previous"]).json()["results"]
    assert [row["advertisement_id"] for row in back] == named[4:6]
    radio = api.get(f"{SPEND}/creatives?media_type=Radio").json()["results"]
    assert [row["advertisement_id"] for row in radio] == ["200"]


def test_invalid_parameters_are_refused_by_name(api: APIClient) -> None:
    for address, field in (
        ("report", "by"),
        ("report?by=colour", "by"),
        ("report?by=segment&most=0", "most"),
        ("report?by=segment&from=2021-3", "from"),
        ("report/monthly?by=month", "by"),
        ("report/monthly?by=brand&to=2021-01&from=2021-02", "to"),
        ("report/expected?reviewed=perhaps", "reviewed"),
        ("report/expected?brand=%00", "brand"),
        ("report/expected?to=", "to"),
        ("creatives?segment=19", "segment"),
        ("creatives?cursor=x", "cursor"),
    ):
        response = api.get(f"{SPEND}/{address}")
        assert (response.status_code, list(response.json()["errors"])) == (400, [field]), address


def test_unknown_methods_are_refused(api: APIClient) -> None:
    assert api.generic("QUERY", f"{SPEND}/report?by=segment").status_code == 405


def test_reports_require_a_login_and_a_permission(
    stranger: APIClient, anonymous: APIClient
) -> None:
    for address in ("report?by=segment", "report/monthly?by=brand", "report/expected", "creatives"):
        assert stranger.get(f"{SPEND}/{address}").status_code == 403
        assert anonymous.get(f"{SPEND}/{address}").status_code == 401
