"""The charts page and the list of creatives: content, permissions, links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from creativefilter.creatives.models import Creative, Label, LabelBatch
from creativefilter.spend.admin.chart_catalogue import CHARTS, TABS
from creativefilter.spend.admin.chart_style import Adds
from creativefilter.spend.admin.plotly_assets import plotly_version
from creativefilter.spend.models import SpendImport
from tests.spend.spent import little_spend

pytestmark = pytest.mark.django_db
CHARTS_PAGE = "/admin/spend/advertisement/charts/"
LIST = "/admin/spend/advertisement/"
RELABEL = f"{LIST}relabel/"


@pytest.fixture
def page(client: Client, analyst: User) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def spent(tmp_path: Path) -> dict[str, Creative]:
    return little_spend(tmp_path)


def chart(page: Client, name: str, query: str = "") -> dict[str, Any]:
    response = page.get(reverse("admin:spend_chart", args=[name]) + query)
    assert response.status_code == 200
    return response.json()


def text(page: Client, address: str) -> str:
    response = page.get(address)
    assert response.status_code == 200
    return response.content.decode()


def someone(*permissions: str) -> Client:
    user = User.objects.create_user(f"user-{'-'.join(permissions)}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_pages_without_spend_link_to_the_import(page: Client) -> None:
    for address in (CHARTS_PAGE, LIST):
        shown = text(page, address)
        assert reverse("admin:spend_spendimport_add") in shown
        assert "plotly" not in shown


def test_every_chart_is_drawn_with_and_without_spend(
    page: Client, spent: dict[str, Creative]
) -> None:
    for name in CHARTS:
        found = chart(page, name)
        assert found["figure"]["data"], name
        table = found["table"]
        assert len(table["rows"]) == len(table["adds"]) > 0, name
        assert all(len(row) == len(table["columns"]) for row in table["rows"]), name
        nothing = chart(page, name, "?advertiser=nobody")
        assert nothing["empty"], name
        assert nothing["table"]["rows"] == [], name


def test_points_and_rows_have_the_filter_that_a_click_adds(
    page: Client, spent: dict[str, Creative]
) -> None:
    totals = chart(page, "totals-segment")
    [trace] = totals["figure"]["data"]
    clicked: list[Adds] = trace["customdata"]
    assert clicked == totals["table"]["adds"] == [[["segment", "3"]], [["segment", "-1"]]]
    assert trace["x"] == [2.00000025, 0.7500005]
    assert [row[1] for row in totals["table"]["rows"]] == ["2,000,000", "750,001"]
    # Rounded, not truncated: 72.72… and 27.27…
    assert [row[2] for row in totals["table"]["rows"]] == ["72.7\u202f%", "27.3\u202f%"]
    months = chart(page, "months-media_type")["figure"]["data"]
    assert [one["meta"] for one in months] == [
        [["media", "TV Nat"]], [["media", "Radio"]], [["media", "Internet"]]
    ]  # fmt: skip


def test_links_restore_filters_and_clear_single_filters(
    page: Client, spent: dict[str, Creative]
) -> None:
    query = "from=2021-03&segment=3&advertiser=%D0%9C%D0%90%D0%93%D0%9D%D0%98%D0%A2&reviewed=yes"
    response = page.get(f"{CHARTS_PAGE}?tab=brands&{query}")
    bar = response.context["bar"]
    assert len(bar["chips"]) == 4
    assert all("tab=brands" in chip["address"] for chip in bar["chips"])
    without_segment = next(c["address"] for c in bar["chips"] if c["name"].startswith("segment"))
    assert "segment=" not in without_segment
    assert "reviewed=yes" in without_segment
    assert bar["clear"] == f"{CHARTS_PAGE}?tab=brands"
    assert response.context["behind"].startswith(f"{LIST}?")


def test_each_tab_shows_only_its_own_charts(page: Client, spent: dict[str, Creative]) -> None:
    for tab, (_title, charts) in TABS.items():
        shown = page.get(f"{CHARTS_PAGE}?tab={tab}").context["charts"]
        assert [one["name"] for one in shown] == list(charts)


def test_choices_are_found_by_part_of_their_name(page: Client, spent: dict[str, Creative]) -> None:
    address = reverse("admin:spend_choices", args=["brand"])
    found = page.get(address, {"q": "косм"}).json()["choices"]
    assert [one["value"] for one in found] == ["МАГНИТ КОСМЕТИК"]
    assert page.get(reverse("admin:spend_choices", args=["line"])).status_code == 404


def test_the_list_marks_ids_without_a_creative(page: Client, spent: dict[str, Creative]) -> None:
    shown = text(page, LIST)
    assert "Advertisement IDs: 3, spend: 2,750,001 ₽" in shown
    assert shown.count("no creative here") == 1
    assert reverse("admin:creatives_creative_change", args=[spent["100"].pk]) in shown


def test_hostile_names_are_escaped(page: Client, tmp_path: Path) -> None:
    from creativefilter.spend.imports import importer
    from tests.spend.spend_files import table

    row = '7,<script>alert(1)</script>,"</script><b>",TV,5,2021,1'
    importer.import_file(table(tmp_path, row))
    for address in (LIST, f"{CHARTS_PAGE}?advertiser=<script>alert(1)</script>"):
        assert "<script>alert" not in text(page, address)


def test_the_list_is_relabelled_after_a_preview_and_undone(
    page: Client, spent: dict[str, Creative]
) -> None:
    address = f"{RELABEL}?advertiser=%D0%9C%D0%90%D0%93%D0%9D%D0%98%D0%A2&set=5"
    response = page.get(address)
    assert response.context["changing"] == 2
    assert Label.objects.count() == 1
    page.post(address, {"expected": "3"})
    assert Label.objects.count() == 1
    page.post(address, {"expected": "2", "note": "оба"})
    page.get(CHARTS_PAGE)
    [row] = chart(page, "totals-segment", "?segment=5")["table"]["rows"]
    assert row[1] == "2,500,000"
    batch = LabelBatch.objects.get()
    page.post(reverse("admin:creatives_creative_undo", args=[batch.pk]))
    page.get(CHARTS_PAGE)
    assert chart(page, "totals-segment", "?segment=5")["table"]["rows"] == []
    [row] = chart(page, "totals-segment", "?segment=3")["table"]["rows"]
    assert row[1] == "2,000,000"


def test_only_ticked_creatives_are_relabelled(page: Client, spent: dict[str, Creative]) -> None:
    address = f"{RELABEL}?set=5&creative={spent['200'].pk}"
    page.post(address, {"expected": "1"})
    assert LabelBatch.objects.get().labels.get().creative == spent["200"]


def test_users_with_view_permission_only_can_not_relabel(spent: dict[str, Creative]) -> None:
    batch = LabelBatch.objects.create(segment_id=3, size=0)
    addresses = [
        *(reverse(f"admin:spend_{name}") for name in ("charts", "overview")),
        LIST,
        reverse("admin:spend_chart", args=["years"]),
        reverse("admin:spend_table", args=["years", "csv"]),
        reverse("admin:spend_choices", args=["brand"]),
        reverse("admin:spend_export", args=["csv"]),
    ]
    viewer, without_permission = someone("view_creative"), someone()
    for address in addresses:
        assert viewer.get(address).status_code == 200, address
        assert without_permission.get(address).status_code == 403, address
        assert Client().get(address).status_code == 302, address
    assert RELABEL not in text(viewer, LIST)
    for client in (viewer, without_permission):
        assert client.get(f"{RELABEL}?set=5").status_code == 403
        assert client.post(f"{RELABEL}?set=5", {"expected": "2"}).status_code == 403
        assert (
            client.post(reverse("admin:creatives_creative_undo", args=[batch.pk])).status_code
            == 403
        )
    assert Label.objects.count() == 1


def test_plotly_is_served_by_the_application_and_cached_by_browsers(
    client: Client, db: None
) -> None:
    address = reverse("admin:spend_plotly", args=[plotly_version()])
    response = client.get(address, headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert "immutable" in response["Cache-Control"]
    assert len(response.content) < 2_000_000
    assert client.get(reverse("admin:spend_plotly", args=["0.1"])).status_code == 404


def test_the_navigation_marks_the_current_page(page: Client, spent: dict[str, Creative]) -> None:
    charts = [
        f"{CHARTS_PAGE}?tab=certainty&segment=3", LIST, f"{LIST}?segment=3", f"{RELABEL}?segment=3"
    ]  # fmt: skip
    imports = "/admin/spend/spendimport/"
    for entry, addresses in {
        CHARTS_PAGE: charts,
        imports: [imports, f"{imports}add/", f"{imports}{SpendImport.objects.create().pk}/change/"],
        "/admin/creatives/creative/": ["/admin/creatives/creative/batches/"],
    }.items():
        for address in addresses:
            groups = page.get(address).context["sidebar_navigation"]
            active = [
                str(one["link"]) for group in groups for one in group["items"] if one["active"]
            ]
            assert active == [entry], address
