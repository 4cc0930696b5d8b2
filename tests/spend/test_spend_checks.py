"""Sums that do not agree with their rows are found and made anew; the commands say it."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Value
from django.utils import timezone, translation

from creativefilter.creatives.models import Creative, Label
from creativefilter.spend.fields import MoneyField
from creativefilter.spend.models import Advertisement, MonthlySpend, SpendRow, SpendTotal
from creativefilter.spend.totals import checks, segment_changes
from tests.spend.spend_files import imported, sums, table

pytestmark = pytest.mark.django_db

ROWS = ("100,A,B,TV,1.1,2021,3", "100,A,B,TV,2.2,2021,3", "200,A,B,OOH,0,2021,4")

LEAST = Value(Decimal("0.0001"), output_field=MoneyField())


def command(*arguments: Any) -> str:
    said = io.StringIO()
    with translation.override("en"):
        call_command(*arguments, stdout=said, stderr=io.StringIO())
    return said.getvalue()


def a_sum_off_by_the_least() -> None:
    MonthlySpend.objects.filter(placements=2).update(amount=F("amount") + LEAST)


def a_total_off_by_the_least() -> None:
    SpendTotal.objects.filter(placements=2).update(amount=F("amount") - LEAST)


def a_placement_too_many() -> None:
    MonthlySpend.objects.filter(amount=0).update(placements=2)


def a_month_that_nobody_spent_in() -> None:
    row = MonthlySpend.objects.get(amount=0)
    MonthlySpend.objects.create(
        advertisement=row.advertisement,
        brand_line=row.brand_line,
        month="2022-01-01",
        placements=1,
        amount=0,
    )


def a_month_that_is_missing() -> None:
    MonthlySpend.objects.filter(placements=2).delete()


def a_creative_that_is_not_tied() -> None:
    Advertisement.objects.update(creative=None)


def an_advertisement_counted_elsewhere() -> None:
    Advertisement.objects.filter(advertisement_id="100").update(segment=5)


@pytest.mark.parametrize(
    "spoil",
    [
        a_sum_off_by_the_least,
        a_total_off_by_the_least,
        a_placement_too_many,
        a_month_that_nobody_spent_in,
        a_month_that_is_missing,
        a_creative_that_is_not_tied,
        an_advertisement_counted_elsewhere,
    ],
)
def test_what_is_wrong_is_found_and_repaired(spoil: Callable[[], None], tmp_path: Path) -> None:
    row = Creative.objects.create(advertisement_id="100", name="100")
    # So old that nothing looks at it again by itself.
    Creative.objects.update(created_at=timezone.now() - 2 * segment_changes.OVERLAP)
    Label.objects.create(creative=row, segment_id=10)
    imported(table(tmp_path, *ROWS))
    assert "agree" in command("check_spend")
    right = [list(m.objects.order_by("pk").values_list()) for m in (MonthlySpend, SpendTotal)]
    spoil()
    assert not checks.check().agrees
    with pytest.raises(CommandError, match="rebuild"):
        command("check_spend")
    assert "agree" in command("check_spend", "--rebuild")
    now = [list(m.objects.order_by("pk").values_list()) for m in (MonthlySpend, SpendTotal)]
    assert now == right


def test_a_row_that_went_missing_is_found_and_stays_an_alarm(tmp_path: Path) -> None:
    """The rows are the source: what they lost can't be made anew."""
    imported(table(tmp_path, *ROWS))
    SpendRow.objects.filter(amount=Decimal("2.2")).delete()
    found = checks.check().differences
    assert {(each.table, each.amount, each.rows) for each in found} == {
        ("spend_monthlyspend", Decimal("2.2"), 1),
        ("spend_spendimport", Decimal("-2.2"), -1),
    }
    with pytest.raises(CommandError):
        command("check_spend", "--rebuild")


def test_the_command_imports_a_file_and_says_what_it_held(tmp_path: Path) -> None:
    Creative.objects.create(advertisement_id="100", name="100")
    path = table(tmp_path, *ROWS, ",A,B,TV,1,2021,3")
    said = command("import_spend", path, "--dry-run")
    for part in ("csv utf-8", "«,»", "3.3000", "2 (2021-03 – 2021-04)", "line 5", "ID is blank"):
        assert part in said
    assert SpendRow.objects.count() == 0
    assert "Imported" in command("import_spend", path)
    assert "Nothing was changed" in command("import_spend", path)
    assert sums() == {"2021-03": Decimal("3.3"), "2021-04": Decimal(0)}


def test_the_command_asks_about_months_that_are_there(tmp_path: Path) -> None:
    command("import_spend", table(tmp_path, *ROWS))
    more = table(tmp_path, "100,A,B,TV,7,2021,3", name="more.csv")
    with pytest.raises(CommandError, match="2021-03"):
        command("import_spend", more)
    assert "2 rows" in command("import_spend", more, "--dry-run", "--replace-months")
    assert sums()["2021-03"] == Decimal("3.3")
    command("import_spend", more, "--replace-months")
    assert sums()["2021-03"] == Decimal(7)
    command("import_spend", table(tmp_path, "100,A,B,TV,1,2021,3", name="3.csv"), "--add")
    assert sums()["2021-03"] == Decimal(8)


def test_the_command_refuses_as_a_whole_and_writes_the_bad_rows(tmp_path: Path) -> None:
    path = table(tmp_path, *ROWS, "100,A,B,TV,x,2021,3")
    out = tmp_path / "bad.csv"
    with pytest.raises(CommandError, match="1"):
        command("import_spend", path, "--strict", "--bad-rows", out)
    assert SpendRow.objects.count() == 0
    assert out.read_text("utf-8-sig").splitlines()[1].endswith(";100;A;B;TV;x;2021;3")
    with pytest.raises(CommandError, match=r"no file .*none\.csv"):
        command("import_spend", tmp_path / "none.csv")
