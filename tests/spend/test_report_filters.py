"""Filters in the address of a page."""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict

from creativefilter.spend.reports.filters import Filters

EVERYTHING = Filters(
    first=date(2023, 1, 1),
    last=date(2023, 12, 1),
    segments=(-1, 0, 3),
    advertisers=("M&M'S = 100 %", "Ёлка"),
    brands=("", "Б/Р?"),
    media_types=("TV Nat",),
    reviewed=False,
)


@pytest.mark.parametrize("filters", [Filters(), EVERYTHING, Filters(reviewed=True)])
def test_an_address_restores_what_it_was_made_of(filters: Filters) -> None:
    assert Filters.of(QueryDict(filters.query())) == filters


def test_nothing_filtered_is_no_query_at_all() -> None:
    assert Filters().query() == ""
    assert not Filters()
    assert EVERYTHING


def test_the_same_filters_have_the_same_address_however_they_came() -> None:
    one = Filters.of(QueryDict("segment=3&to=2023-12&segment=0&brand=B&brand=A&segment=3"))
    other = Filters.of(QueryDict("brand=A&brand=B&segment=0&segment=3&to=2023-12"))
    assert one == other
    assert one.query() == "to=2023-12&segment=0&segment=3&brand=A&brand=B"


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday&to=2023-13",
        "from=2023-1-1",
        "from=0000-01",
        "segment=6&segment=99&segment=x&segment=²&segment=",
        "reviewed=maybe",
        "page=2",
        "advertiser=%00",
    ],
)
def test_what_cannot_be_read_filters_nothing(query: str) -> None:
    assert Filters.of(QueryDict(query)) == Filters()


def test_a_period_that_ends_before_it_begins_is_turned_round() -> None:
    turned = Filters.of(QueryDict("from=2023-05&to=2022-02"))
    assert (turned.first, turned.last) == (date(2022, 2, 1), date(2023, 5, 1))


def test_links_take_a_filter_away() -> None:
    assert EVERYTHING.without("segments").segments == ()
    assert EVERYTHING.without("segments", 0).segments == (-1, 3)
    assert EVERYTHING.without("brands", "").brands == ("Б/Р?",)
    assert EVERYTHING.without("reviewed").reviewed is None


def test_the_order_of_values_and_repeated_ones_make_no_difference() -> None:
    assert Filters(segments=(3, -1, 3), brands=("Б", "А")) == Filters(
        segments=(-1, 3), brands=("А", "Б")
    )
