"""The commands ``check_spend`` and ``import_spend``, and repairing sums that differ from rows."""

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
from creativefilter.spend.models import (
    Advertisement,
    MonthlySpend,
    SpendImport,
    SpendRow,
    SpendTotal,
)
from creativefilter.spend.reports import answer_cache
from creativefilter.spend.totals import checks, segment_changes
from tests.spend.spend_files import imported, sums, table

pytestmark = pytest.mark.django_db

ROWS = ("100,A,B,TV,1.1,2021,3", "100,A,B,TV,2.2,2021,3", "200,A,B,OOH,0,2021,4")

LEAST = Value(Decimal("0.0001"), output_field=MoneyField())


def command(*arguments: Any) -> str:
    output = io.StringIO()
    with translation.override("en"):
        call_command(*arguments, stdout=output, stderr=io.StringIO())
    return output.getvalue()


def monthly_sum_too_large_by_the_smallest_amount() -> None:
    MonthlySpend.objects.filter(placements=2).update(amount=F("amount") + LEAST)


def total_too_small_by_the_smallest_amount() -> None:
    SpendTotal.objects.filter(placements=2).update(amount=F("amount") - LEAST)


def one_placement_too_many() -> None:
    MonthlySpend.objects.filter(amount=0).update(placements=2)


def month_without_rows() -> None:
    row = MonthlySpend.objects.get(amount=0)
    MonthlySpend.objects.create(
        advertisement=row.advertisement,
        brand_line=row.brand_line,
        month="2022-01-01",
        placements=1,
        amount=0,
    )


def missing_month() -> None:
    MonthlySpend.objects.filter(placements=2).delete()


def unlinked_creative() -> None:
    Advertisement.objects.update(creative=None)


def advertisement_under_another_segment() -> None:
    Advertisement.objects.filter(advertisement_id="100").update(segment=5)


@pytest.mark.parametrize(
    "spoil",
    [
        monthly_sum_too_large_by_the_smallest_amount,
        total_too_small_by_the_smallest_amount,
        one_placement_too_many,
        month_without_rows,
        missing_month,
        unlinked_creative,
        advertisement_under_another_segment,
    ],
)
def test_wrong_sums_and_links_are_found_and_repaired(
    spoil: Callable[[], None], tmp_path: Path
) -> None:
    row = Creative.objects.create(advertisement_id="100", name="100")
    # So old that ``catch_up`` does not look at it again.
    Creative.objects.update(created_at=timezone.now() - 2 * segment_changes.OVERLAP)
    Label.objects.create(creative=row, segment_id=10)
    imported(table(tmp_path, *ROWS))
    assert "agree" in command("check_spend")
    right = [list(m.objects.order_by("pk").values_list()) for m in (MonthlySpend, SpendTotal)]
    spoil()
    assert not checks.check().agrees
    before = answer_cache.version()
    with pytest.raises(CommandError, match="rebuild"):
        command("check_spend")
    assert "agree" in command("check_spend", "--rebuild")
    assert answer_cache.version() != before
    now = [list(m.objects.order_by("pk").values_list()) for m in (MonthlySpend, SpendTotal)]
    assert now == right


def test_a_missing_row_is_found_and_can_not_be_repaired(tmp_path: Path) -> None:
    """Sums are recomputed from the rows: a lost row can't be restored."""
    imported(table(tmp_path, *ROWS))
    SpendRow.objects.filter(amount=Decimal("2.2")).delete()
    found = checks.check().differences
    whats = [each.what for each in found]
    assert len(set(whats)) == len(whats)
    [spend_import] = SpendImport.objects.all()
    assert f"{spend_import.name} · {spend_import.pk}" in whats
    assert {(each.table, each.amount, each.rows) for each in found} == {
        ("spend_monthlyspend", Decimal("2.2"), 1),
        ("spend_spendimport", Decimal("-2.2"), -1),
    }
    with pytest.raises(CommandError) as error:
        command("check_spend", "--rebuild")
    assert "--rebuild" not in str(error.value)


def test_the_command_imports_a_file_and_prints_its_report(tmp_path: Path) -> None:
    Creative.objects.create(advertisement_id="100", name="100")
    path = table(tmp_path, *ROWS, ",A,B,TV,1,2021,3")
    bad = tmp_path / "bad.csv"
    output = command("import_spend", path, "--dry-run", "--bad-rows", bad)
    assert bad.exists()
    assert "Nothing was imported." in output
    for part in ("csv utf-8", "«,»", "3.3000", "2 (2021-03 – 2021-04)", "line 5", "ID is blank"):
        assert part in output
    assert SpendRow.objects.count() == 0
    assert "Imported" in command("import_spend", path)
    assert "Nothing was changed" in command("import_spend", path)
    assert sums() == {"2021-03": Decimal("3.3"), "2021-04": Decimal(0)}


def test_the_command_requires_an_option_for_existing_months(tmp_path: Path) -> None:
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


def test_strict_mode_imports_nothing_and_the_bad_rows_are_written_to_a_file(tmp_path: Path) -> None:
    path = table(tmp_path, *ROWS, "100,A,B,TV,x,2021,3")
    out = tmp_path / "bad.csv"
    with pytest.raises(CommandError, match="1"):
        command("import_spend", path, "--strict", "--bad-rows", out)
    assert SpendRow.objects.count() == 0
    assert out.read_text("utf-8-sig").splitlines()[1].endswith(";100;A;B;TV;x;2021;3")
    with pytest.raises(CommandError, match=r"no file .*none\.csv"):
        command("import_spend", tmp_path / "none.csv")
