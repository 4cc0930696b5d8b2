"""Figures of a few rows, whose right answers can be computed by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment
from creativefilter.spend.imports import importer
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports import figures
from creativefilter.spend.reports.figure_types import Branch, Dimension, Total
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import segment_changes
from tests.spend.spend_files import table

pytestmark = pytest.mark.django_db

ROWS = (
    "1,МАГНИТ,КОСМЕТИК,TV,0.0001,2021,11",
    "1,МАГНИТ,КОСМЕТИК,TV,0.0001,2021,11",
    "1,МАГНИТ,АПТЕКА,TV,0.1,2022,2",
    "2,МАГНИТ,КОСМЕТИК,Radio,5,2022,2",
    "2,Ёлка,,Radio,3,2022,2",
    "3,ЛЕНТА,ЛЕНТА,OOH,2,2021,12",
    "4,ЛЕНТА,ЛЕНТА,OOH,0,2021,12",
)


@pytest.fixture
def spend(tmp_path: Path) -> dict[str, Creative]:
    """1 is labelled with segment 3, 2 has no segment, 3 is a demonstration, 4 has no creative."""
    rows = {
        name: Creative.objects.create(
            advertisement_id=name, name=f"{name}.mp4", is_demo=name == "3"
        )
        for name in ("1", "2", "3")
    }
    for name in ("1", "3"):
        set_label(rows[name], Segment.objects.get(pk=3), None)
    importer.import_file(table(tmp_path, *ROWS))
    segment_changes.catch_up()
    return rows


def test_a_series_has_months_without_spend_and_sums_small_keys_in_its_rest(spend: Any) -> None:
    series = figures.monthly(Filters(), Dimension.ADVERTISER, most=1)
    assert series.months == [
        date(2021, 11, 1),
        date(2021, 12, 1),
        date(2022, 1, 1),
        date(2022, 2, 1),
    ]
    assert series.keys == ["МАГНИТ"]
    assert series.amounts == [[Decimal("0.0002"), 0, 0, Decimal("5.1")]]
    assert series.rest == [0, 2, 0, 3]


def test_a_series_has_no_more_points_than_a_chart_may_have(spend: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(figures, "POINTS", 12)
    series = figures.monthly(Filters(), Dimension.BRAND)
    assert len(series.keys) == 2
    assert len(series.months) * (len(series.keys) + 1) <= 12


def test_an_advertisement_of_two_brands_counts_for_both_but_once_in_the_rest(spend: Any) -> None:
    assert figures.totals(Filters(), Dimension.BRAND, most=1) == [
        Total("КОСМЕТИК", Decimal("5.0002"), 3, 2, pytest.approx(0.495, abs=0.001)),
        Total(None, Decimal("5.1"), 4, 4, pytest.approx(0.505, abs=0.001)),
    ]


def test_spend_of_demonstrations_and_unknown_ids_is_not_classified(spend: Any) -> None:
    amounts = {
        t.key: (t.amount, t.advertisements) for t in figures.totals(Filters(), Dimension.SEGMENT)
    }
    assert amounts == {3: (Decimal("0.1002"), 1), NOT_CLASSIFIED: (Decimal(10), 3)}
    overview = figures.overview(Filters())
    assert (overview.classified, overview.unclassified, overview.unknown) == (1, 1, 2)
    assert overview.without_creative == 2
    assert list(figures.creatives(Filters()).creatives().order_by("pk")) == [spend["1"], spend["2"]]


def test_a_label_moves_spend_to_its_segment_at_once(spend: Any) -> None:
    assert figures.overview(Filters(segments=(7,))).advertisements == 0
    set_label(spend["2"], Segment.objects.get(pk=7), None)
    segment_changes.catch_up()
    overview = figures.overview(Filters(segments=(7,), reviewed=True))
    assert (overview.amount, overview.advertisements, overview.classified) == (8, 1, 1)
    assert figures.creatives(Filters(segments=(7,))).count() == 1


def test_another_import_is_counted_at_once(spend: Any, tmp_path: Path) -> None:
    filters = Filters(brands=("ЛЕНТА",))
    assert figures.totals(filters, Dimension.BRAND)[0].advertisements == 2
    importer.import_file(table(tmp_path, "9,ЛЕНТА,ЛЕНТА,OOH,1,2023,1", name="more.csv"))
    segment_changes.catch_up()
    assert figures.totals(filters, Dimension.BRAND)[0].advertisements == 3


def test_years_have_no_amounts_outside_the_months_with_spend(spend: Any) -> None:
    first, second = figures.year_over_year(Filters())
    assert (first.year, second.year) == (2021, 2022)
    assert first.amounts == [None] * 10 + [Decimal("0.0002"), 2]
    assert second.amounts == [0, Decimal("8.1"), *[None] * 10]


def test_small_leaves_of_the_tree_are_summed_up_by_advertiser(spend: Any) -> None:
    assert figures.tree(Filters(), most=2) == [
        Branch("МАГНИТ", "КОСМЕТИК", NOT_CLASSIFIED, Decimal(5)),
        Branch("Ёлка", "", NOT_CLASSIFIED, Decimal(3)),
        Branch("ЛЕНТА", None, None, Decimal(2)),
        Branch("МАГНИТ", None, None, Decimal("0.1002")),
    ]


def test_placements_of_a_chosen_advertiser_are_grouped_by_advertisement(spend: Any) -> None:
    assert [(p.key, p.placements) for p in figures.placements(Filters())] == [
        ("МАГНИТ", 4),
        ("Ёлка", 1),
        ("ЛЕНТА", 2),
    ]
    points = figures.placements(Filters(advertisers=("МАГНИТ",)))
    assert [(p.key, p.segment, p.placements) for p in points] == [("2", -1, 1), ("1", 3, 3)]


def test_choices_ignore_case_and_apply_the_other_filters(spend: Any) -> None:
    filters = Filters(advertisers=("ЛЕНТА",), media_types=("Radio", "TV"))
    found = figures.choices(filters, Dimension.ADVERTISER)
    assert [choice.key for choice in found] == ["МАГНИТ", "Ёлка"]
    assert [c.key for c in figures.choices(filters, Dimension.ADVERTISER, "ёЛ")] == ["Ёлка"]
    title = str(Segment.objects.get(pk=3))[4:].upper()
    assert [c.key for c in figures.choices(Filters(), Dimension.SEGMENT, title)] == [3]


def test_streamed_creatives_equal_paged_ones(spend: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("creativefilter.spend.reports.creatives_of_figure.CHUNK", 2)
    listed = figures.creatives(Filters())
    rows = list(listed.iterator())
    assert rows == listed[:10]
    assert [(row.advertisement_id, row.brand, row.creative is None) for row in rows] == [
        ("2", "КОСМЕТИК", False),
        ("3", "ЛЕНТА", True),
        ("1", "АПТЕКА", False),
        ("4", "ЛЕНТА", True),
    ]


def test_figures_without_any_spend_are_empty(db: None) -> None:
    assert figures.monthly(Filters(), Dimension.SEGMENT).months == []
    assert figures.totals(Filters(), Dimension.BRAND) == []
    assert figures.year_over_year(Filters()) == figures.tree(Filters()) == []
    assert figures.placements(Filters()) == figures.choices(Filters(), Dimension.BRAND) == []
    assert figures.overview(Filters()).first is None
    assert list(figures.creatives(Filters()).iterator()) == []
