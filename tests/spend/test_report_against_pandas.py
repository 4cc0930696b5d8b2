"""Compare every figure of the charts with pandas on the reference rows, under random filters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.db import connection

from classifier.segments import NUMBERS
from creativefilter.spend.fields import roubles, units
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports import figures
from creativefilter.spend.reports.figure_types import Dimension
from creativefilter.spend.reports.filters import Filters
from tests.spend import reference_spend

COMBINATIONS = 12
NAMES = ("advertiser", "brand", "media_type")


@pytest.mark.django_db
@pytest.mark.reference
def test_every_figure_equals_that_of_pandas_under_random_filters(reference_data: Path) -> None:
    numbers = reference_spend.load(reference_data)
    months, rows = frame(reference_data, numbers)
    with connection.cursor() as cursor:
        # Collect the planner's statistics, which a database in use has.
        cursor.execute("ANALYZE")
    random = np.random.default_rng(20)
    empty = 0
    for number in range(COMBINATIONS):
        filters = some_filters(random, rows, months) if number else Filters()
        empty += not compare(filters, rows, months)
    assert empty < COMBINATIONS / 4, "too many combinations of filters let nothing through"


def frame(folder: Path, numbers: dict[str, int]) -> tuple[list[date], pd.DataFrame]:
    """Read the file with pandas, and add the segment of each Advertisement ID.

    Returns:
        The months of the file; and the rows, with amounts in ten-thousandths of a rouble and
        months as indexes of this list.
    """
    rows = pd.read_csv(folder / reference_spend.SPEND, dtype=str, keep_default_na=False)
    assert len(rows) == 386_693
    rows.columns = ["id", *NAMES, "cost", "year", "month"]
    costs = rows["cost"].unique()
    rows["units"] = rows["cost"].map({cost: units(Decimal(cost)) for cost in costs})
    rows["month"] = pd.to_datetime(rows["year"] + "-" + rows["month"] + "-01").dt.date
    rows["segment"] = rows["id"].map(numbers).fillna(NOT_CLASSIFIED).astype(int)
    predicted = set(list(numbers)[::3])
    rows["here"] = rows["id"].isin(list(numbers))
    rows["reviewed"] = rows["here"] & ~rows["id"].isin(predicted)
    rows["id"] = rows["id"].astype("category")
    for name in NAMES:
        rows[name] = rows[name].astype("category")
    months = sorted(rows["month"].unique())
    rows["month"] = rows["month"].map({month: n for n, month in enumerate(months)})
    # Rows that no filter distinguishes are summed up here once instead of for every comparison.
    keys = ["id", *NAMES, "month", "segment", "here", "reviewed"]
    sums = rows.groupby(keys, observed=True, sort=False)["units"].agg(["sum", "size"])
    return months, sums.reset_index().rename(columns={"sum": "units"})


def some_filters(random: np.random.Generator, rows: pd.DataFrame, months: list[date]) -> Filters:
    def some(values: Any, most: int) -> tuple[Any, ...]:
        if random.random() < 0.25:
            return ()
        chosen = random.choice(values, random.integers(1, most + 1), replace=False)
        return tuple(sorted(chosen.tolist()))

    def month() -> date | None:
        return random.choice(months) if random.random() < 0.75 else None

    first, last = month(), month()
    if first and last:
        first, last = sorted((first, last))
    return Filters(
        first=first,
        last=last,
        segments=some([NOT_CLASSIFIED, *NUMBERS], 6),
        advertisers=some(rows["advertiser"].cat.categories, 12),
        brands=some(rows["brand"].cat.categories, 16) if random.random() < 0.5 else (),
        media_types=some(rows["media_type"].cat.categories, 3),
        reviewed=[None, None, True, False][random.integers(4)],
    )


def chosen(filters: Filters, rows: pd.DataFrame, months: list[date]) -> pd.DataFrame:
    found = pd.Series(True, rows.index)
    if filters.first:
        found &= rows["month"] >= months.index(filters.first)
    if filters.last:
        found &= rows["month"] <= months.index(filters.last)
    for name, values in (
        ("segment", filters.segments),
        ("advertiser", filters.advertisers),
        ("brand", filters.brands),
        ("media_type", filters.media_types),
    ):
        if values:
            found &= rows[name].isin(values)
    if filters.reviewed is not None:
        found &= rows["reviewed"] == filters.reviewed
    return rows[found]


def compare(filters: Filters, rows: pd.DataFrame, months: list[date]) -> bool:
    """Assert that all figures are equal; return whether the filters let any row through."""
    found = chosen(filters, rows, months)
    by_month = {months[n]: v for n, v in grouped(found, ["month"]).items()}
    for dimension in Dimension:
        assert_totals(filters, dimension, found, most=7)
        assert_monthly(filters, dimension, found, by_month, months)
    years = {
        date(year.year, month, 1): amount
        for year in figures.year_over_year(filters)
        for month, amount in enumerate(year.amounts, 1)
        if amount is not None
    }
    assert {month: amount for month, amount in years.items() if month in by_month} == by_month
    assert sum(years.values()) == roubles(int(found["units"].sum()))
    assert_tree(filters, found)
    assert_placements(filters, found)
    assert_creatives(filters, found)
    assert_overview(filters, found, months)
    return not found.empty


def grouped(found: pd.DataFrame, keys: list[str]) -> dict[Any, Decimal]:
    sums = found.groupby(keys[0] if len(keys) == 1 else keys, observed=True)["units"].sum()
    return {key: roubles(int(value)) for key, value in sums.items()}


def assert_totals(filters: Filters, dimension: Dimension, found: pd.DataFrame, most: int) -> None:
    by_key = found.groupby(str(dimension), observed=True)
    amounts, counts, ids = by_key["units"].sum(), by_key["size"].sum(), by_key["id"].nunique()
    keys = sorted(amounts.index, key=lambda key: (-amounts[key], key))
    whole = int(found["units"].sum())
    expected = [(key, roubles(int(amounts[key])), counts[key], ids[key]) for key in keys[:most]]
    if left := keys[most:]:
        rest = found[found[str(dimension)].isin(left)]
        amount = roubles(int(rest["units"].sum()))
        expected.append((None, amount, rest["size"].sum(), rest["id"].nunique()))
    shown = figures.totals(filters, dimension, most)
    assert [(t.key, t.amount, t.placements, t.advertisements) for t in shown] == expected
    assert [t.share for t in shown] == pytest.approx(
        [float(amount / roubles(whole)) if whole else 0 for _, amount, _, _ in expected]
    )


def assert_monthly(
    filters: Filters,
    dimension: Dimension,
    found: pd.DataFrame,
    by_month: dict[date, Decimal],
    months: list[date],
) -> None:
    series = figures.monthly(filters, dimension, most=5)
    expected = grouped(found, [str(dimension), "month"])
    shown = {
        (key, months.index(month)): amount
        for key, amounts in zip(series.keys, series.amounts, strict=True)
        for month, amount in zip(series.months, amounts, strict=True)
        if amount or (key, months.index(month)) in expected
    }
    assert shown == {key: v for key, v in expected.items() if key[0] in series.keys}
    largest = grouped(found, [str(dimension)])
    assert series.keys == sorted(largest, key=lambda key: (-largest[key], key))[:5]
    columns = zip(*series.amounts, series.rest or [Decimal(0)] * len(series.months), strict=True)
    sums = dict(zip(series.months, map(sum, columns), strict=True))
    assert {month: sums[month] for month in by_month} == by_month
    assert not by_month or (series.months[0], series.months[-1]) == (min(by_month), max(by_month))


def assert_tree(filters: Filters, found: pd.DataFrame) -> None:
    branches = figures.tree(filters, most=40)
    expected = grouped(found, ["advertiser", "brand", "segment"])
    leaves = {(b.advertiser, b.brand, b.segment): b.amount for b in branches if b.brand is not None}
    assert len(leaves) == min(40, len(expected))
    assert leaves == {key: expected[key] for key in leaves}
    assert not leaves or min(leaves.values()) == sorted(expected.values())[-len(leaves)]
    sums: dict[str, Decimal] = {}
    for branch in branches:
        sums[branch.advertiser] = sums.get(branch.advertiser, Decimal(0)) + branch.amount
    assert sums == grouped(found, ["advertiser"])


def assert_placements(filters: Filters, found: pd.DataFrame) -> None:
    key = "id" if filters.advertisers or filters.brands else "advertiser"
    groups = found.groupby(key, observed=True)
    amounts, counts = groups["units"].sum(), groups["size"].sum()
    points = figures.placements(filters)
    expected = {name: (roubles(int(amounts[name])), counts[name]) for name in amounts.index}
    shown = {point.key: (point.amount, point.placements) for point in points}
    assert len(points) == len(shown) == min(len(expected), figures.POINTS)
    assert shown == {name: expected[name] for name in shown}
    assert [p.amount for p in points] == sorted((a for a, _ in expected.values()), reverse=True)[
        : figures.POINTS
    ]


def assert_creatives(filters: Filters, found: pd.DataFrame) -> None:
    listed = figures.creatives(filters)
    groups = found.groupby("id", observed=True)
    amounts, counts = groups["units"].sum(), groups["size"].sum()
    assert listed.count() == len(amounts)
    assert listed.creatives().count() == found.loc[found["here"], "id"].nunique()
    page = listed[3:13]
    order = sorted((roubles(int(value)) for value in amounts), reverse=True)
    assert [row.amount for row in page] == order[3:13]
    for row in page:
        rows = found[found["id"] == row.advertisement_id]
        assert row.amount == roubles(int(amounts[row.advertisement_id]))
        assert row.placements == counts[row.advertisement_id]
        assert {row.segment} == set(rows["segment"])
        assert {row.reviewed} == set(rows["reviewed"])
        assert (row.creative is not None) == rows["here"].iloc[0]
        lines = rows.groupby(list(NAMES), observed=True)["units"].sum()
        assert lines[row.advertiser, row.brand, row.media_type] == lines.max()


def assert_overview(filters: Filters, found: pd.DataFrame, months: list[date]) -> None:
    overview = figures.overview(filters)
    here, none = found["here"], found["segment"] == NOT_CLASSIFIED
    assert overview == figures.Overview(
        amount=roubles(int(found["units"].sum())),
        placements=int(found["size"].sum()),
        advertisements=found["id"].nunique(),
        classified=found.loc[~none, "id"].nunique(),
        unclassified=found.loc[here & none, "id"].nunique(),
        with_creative=found.loc[here, "id"].nunique(),
        first=months[found["month"].min()] if len(found) else None,
        last=months[found["month"].max()] if len(found) else None,
    )
