"""Filters in the query of an address."""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict

from creativefilter.creatives.segments.directory import Merge
from creativefilter.spend.reports.filters import Filters, merges_in

pytestmark = pytest.mark.django_db

EVERYTHING = Filters(
    first=date(2023, 1, 1),
    last=date(2023, 12, 1),
    segments=(-1, 0, 3),
    advertisers=("M&M'S = 100 %", "Ёлка"),
    brands=("", "Б/Р?"),
    media_types=("TV Nat",),
    reviewed=False,
)


@pytest.mark.parametrize(
    "filters", [Filters(), EVERYTHING, Filters(reviewed=True), Filters(last=date(202, 1, 1))]
)
def test_parsing_a_query_restores_its_filters(filters: Filters) -> None:
    assert Filters.of(QueryDict(filters.query())) == filters


def test_empty_filters_have_an_empty_query() -> None:
    assert Filters().query() == ""
    assert not Filters()
    assert EVERYTHING


def test_equal_filters_have_the_same_query() -> None:
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
        "segment=99&segment=x&segment=²&segment=",
        "reviewed=maybe",
        "page=2",
        "advertiser=%00",
    ],
)
def test_invalid_parameters_are_ignored(query: str) -> None:
    assert Filters.of(QueryDict(query)) == Filters()


def test_a_merged_segment_is_replaced_with_a_note() -> None:
    query = QueryDict("segment=6&segment=3")
    assert Filters.of(query).segments == (0, 3)
    assert merges_in(query) == [Merge(6, 0)]
    assert merges_in(QueryDict("segment=0")) == merges_in(QueryDict("")) == []


def test_a_period_that_ends_before_it_starts_is_swapped() -> None:
    swapped = Filters.of(QueryDict("from=2023-05&to=2022-02"))
    assert (swapped.first, swapped.last) == (date(2022, 2, 1), date(2023, 5, 1))


def test_without_removes_a_condition_or_a_value() -> None:
    assert EVERYTHING.without("segments").segments == ()
    assert EVERYTHING.without("segments", 0).segments == (-1, 3)
    assert EVERYTHING.without("brands", "").brands == ("Б/Р?",)
    assert EVERYTHING.without("reviewed").reviewed is None


def test_order_and_repetition_of_values_do_not_matter() -> None:
    assert Filters(segments=(3, -1, 3), brands=("Б", "А")) == Filters(
        segments=(-1, 3), brands=("А", "Б")
    )
