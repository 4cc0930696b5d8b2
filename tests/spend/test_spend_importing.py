"""Imports of spend tables: stored rows, exact sums, adding, replacing, repeated files."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum

from creativefilter.spend.imports import importer
from creativefilter.spend.imports.errors import SpendFileError
from creativefilter.spend.models import (
    Advertisement,
    BrandLine,
    MonthlySpend,
    SpendImport,
    SpendRow,
    SpendTotal,
)
from creativefilter.spend.totals import creative_links
from tests.spend.spend_files import everything, imported, prepared, sums, table

pytestmark = pytest.mark.django_db
Mode = SpendImport.Mode
State = SpendImport.State

MARCH = "100,МАГНИТ,МАГНИТ,TV Nat,0.1,2021,3"
MARCH_RADIO = "100,МАГНИТ,МАГНИТ,Radio,0.7,2021,3"
APRIL = "200,ВКУСВИЛЛ,,OOH,0.2,2021,4"


def test_rows_are_stored_and_summed_by_month(tmp_path: Path) -> None:
    done = imported(table(tmp_path, MARCH, MARCH_RADIO, APRIL, MARCH))
    assert (done.state, done.rows, done.amount) == (State.IMPORTED, 4, Decimal("1.1"))
    rows = SpendRow.objects.values_list("advertisement__advertisement_id", "amount")
    assert sorted(rows) == [
        ("100", Decimal("0.1")), ("100", Decimal("0.1")), ("100", Decimal("0.7")),
        ("200", Decimal("0.2")),
    ]  # fmt: skip
    months = MonthlySpend.objects.values_list("brand_line__media_type", "placements", "amount")
    assert sorted(months) == [
        ("OOH", 1, Decimal("0.2")), ("Radio", 1, Decimal("0.7")), ("TV Nat", 2, Decimal("0.2")),
    ]  # fmt: skip
    # In binary floating point, 0.1 + 0.1 + 0.7 is 0.8999999999999999.
    assert sums() == {"2021-03": Decimal("0.9"), "2021-04": Decimal("0.2")}


def test_amounts_can_be_compared_in_queries(tmp_path: Path) -> None:
    imported(table(tmp_path, MARCH, MARCH_RADIO, APRIL))
    assert SpendRow.objects.filter(amount__gt=Decimal("0.15")).count() == 2
    assert SpendRow.objects.get(amount=Decimal("0.2")).amount == Decimal("0.2")
    with pytest.raises(ValueError, match="decimal places"):
        SpendRow.objects.filter(amount=Decimal("0.00001")).exists()


@pytest.mark.parametrize("again", ["same", "gzip"])
@pytest.mark.parametrize("mode", ["", Mode.ADD, Mode.REPLACE])
def test_importing_the_same_table_twice_changes_nothing(
    tmp_path: Path, again: str, mode: str
) -> None:
    path = table(tmp_path, MARCH, APRIL)
    imported(path)
    before = everything()
    if again == "gzip":
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert imported(path, mode=mode).state == State.KNOWN
    assert everything() == before


def test_existing_months_require_a_mode(tmp_path: Path) -> None:
    imported(table(tmp_path, MARCH, APRIL))
    before = everything()
    more = table(tmp_path, MARCH_RADIO, name="more.csv")
    with pytest.raises(SpendFileError, match="2021-03"):
        importer.import_file(more)
    assert everything() == before
    imported(table(tmp_path, "1,A,B,TV,5,2021,5", name="other.csv"))


def test_adding_keeps_existing_spend(tmp_path: Path) -> None:
    imported(table(tmp_path, MARCH, APRIL))
    imported(table(tmp_path, MARCH, MARCH_RADIO, name="more.csv"), mode=Mode.ADD)
    assert sums() == {"2021-03": Decimal("0.9"), "2021-04": Decimal("0.2")}
    assert MonthlySpend.objects.get(brand_line__media_type="TV Nat").placements == 2
    assert BrandLine.objects.count() == 3
    assert Advertisement.objects.count() == 2


def test_replacing_reports_and_removes_existing_spend(tmp_path: Path) -> None:
    first = imported(table(tmp_path, MARCH, MARCH, MARCH_RADIO, APRIL))
    path = table(tmp_path, "300,МАГНИТ,МАГНИТ,TV Nat,5,2021,3", name="new.csv")
    [existing] = prepared(path).report.existing
    assert (existing.rows, existing.amount) == (3, Decimal("0.9"))
    done = imported(path, mode=Mode.REPLACE)
    assert sums() == {"2021-03": Decimal(5), "2021-04": Decimal("0.2")}
    assert done.report["existing"] == [{"month": "2021-03-01", "rows": 3, "amount": "0.9000"}]
    # Names that occurred only in the replaced month are deleted, so that no filter offers them.
    assert set(Advertisement.objects.values_list("advertisement_id", flat=True)) == {"200", "300"}
    assert set(BrandLine.objects.values_list("media_type", flat=True)) == {"TV Nat", "OOH"}
    first.refresh_from_db()
    assert first.state == State.REPLACED


def test_a_replaced_file_can_be_imported_again(tmp_path: Path) -> None:
    first = table(tmp_path, MARCH, APRIL)
    imported(first)
    imported(table(tmp_path, "300,A,B,TV,5,2021,3", name="wrong.csv"), mode=Mode.REPLACE)
    assert imported(first, mode=Mode.REPLACE).state == State.IMPORTED
    assert sums() == {"2021-03": Decimal("0.1"), "2021-04": Decimal("0.2")}
    assert SpendRow.objects.count() == 2


def test_preparing_a_file_reports_its_content_and_writes_nothing(tmp_path: Path) -> None:
    imported(table(tmp_path, MARCH))
    before = everything()
    report = prepared(
        table(tmp_path, MARCH, MARCH_RADIO, APRIL, "x,,,,дорого,2021,3", name="more.csv")
    ).report
    assert (report.rows, report.bad_rows, report.amount) == (3, 1, Decimal("1.0"))
    assert (report.advertisements, report.known_creatives, report.known_import) == (2, 0, None)
    assert [(m.month.month, m.rows, m.amount) for m in report.months] == [
        (3, 2, Decimal("0.8")),
        (4, 1, Decimal("0.2")),
    ]
    assert [(m.month.month, m.rows, m.amount) for m in report.existing] == [(3, 1, Decimal("0.1"))]
    assert everything() == before


def test_a_failed_merge_changes_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    imported(table(tmp_path, MARCH))
    before = everything()

    def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(creative_links, "link", fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        importer.import_file(table(tmp_path, APRIL, name="b.csv"))
    assert everything() == before


def test_a_file_imported_by_two_users_at_once_is_imported_once(tmp_path: Path) -> None:
    """The second user's file was read before the first import was merged."""
    path = table(tmp_path, MARCH)
    read = prepared(path)
    assert read.report.known_import is None
    first, second = SpendImport(name="first"), SpendImport(name="second")
    with transaction.atomic():
        importer.merge(read, first, mode="", strict=False)
    before = everything()[1:]
    # Stage the rows again: the first merge dropped the temporary tables of this connection.
    prepared(path)
    with transaction.atomic():
        report = importer.merge(read, second, mode=Mode.ADD, strict=False)
    assert (second.state, report.known_import) == (State.KNOWN, first.pk)
    assert everything()[1:] == before


def test_an_exception_raised_by_progress_stops_the_import(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("creativefilter.spend.imports.rows.CHUNK", 2)
    shares: list[float] = []

    class StopError(Exception):
        pass

    def progress(done: float) -> None:
        shares.append(done)
        if len(shares) == 3:
            raise StopError

    with pytest.raises(StopError):
        importer.import_file(table(tmp_path, *[MARCH] * 20), progress=progress)
    assert len(shares) == 3
    assert SpendRow.objects.count() == SpendImport.objects.count() == 0


def test_progress_increases_to_one(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("creativefilter.spend.imports.rows.CHUNK", 500)
    shares: list[float] = []
    imported(table(tmp_path, *[MARCH] * 5_000), progress=shares.append)
    assert len(shares) == 10
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1


@pytest.mark.reference
def test_reference_spend_is_imported_to_the_last_digit(reference_data: Path) -> None:
    """Compare 386,693 rows with pandas, in whole thousandths of a rouble."""
    import pandas as pd

    path = reference_data / "dashboard_data_synthetic.csv.gz"
    source = pd.read_csv(path, dtype=str, keep_default_na=False)
    cost = source["Estimated cost RUB"].str.partition(".")
    source["cost"] = cost[0].astype("int64") * 1000 + cost[2].str.ljust(3, "0").astype("int64")
    done = imported(path)
    assert (done.rows, done.bad_rows) == (len(source), 0) == (386_693, 0)
    assert SpendRow.objects.count() == len(source)

    def expected(*columns: str) -> dict[tuple[Any, ...], tuple[int, Decimal]]:
        grouped = source.groupby(list(columns))["cost"].agg(["size", "sum"])
        return {
            key if isinstance(key, tuple) else (key,): (size, Decimal(int(cost)) / 1000)
            for key, size, cost in grouped.itertuples()
        }

    def found(model: Any, **columns: Any) -> dict[tuple[Any, ...], tuple[int, Decimal]]:
        rows = (
            model.objects.order_by()
            .values_list(*columns.values())
            .annotate(Sum("placements"), Sum("amount"))
        )
        return {tuple(key): (placements, amount) for *key, placements, amount in rows}

    names = {"Advertiser": "brand_line__advertiser", "Brand": "brand_line__brand"}
    media = {"Media Type": "brand_line__media_type"}
    by_id = {"Advertisement ID": "advertisement__advertisement_id"}
    for columns in (names, media, names | media):
        assert found(SpendTotal, **columns) == expected(*columns)
        assert found(MonthlySpend, **columns) == expected(*columns)
    assert found(MonthlySpend, **by_id) == expected(*by_id)
    months = {(m, y): value for (y, m), value in expected("Year", "Month").items()}
    for model in (MonthlySpend, SpendTotal):
        by_month = found(model, year="month__year", month="month__month")
        assert {(str(m), str(y)): value for (y, m), value in by_month.items()} == months
