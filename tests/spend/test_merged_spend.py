"""Spend of merged segments: moved to the target, back again, and equal to its rows every time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone, translation

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, Segment, WaitingLabel
from creativefilter.creatives.segments import changes
from creativefilter.creatives.segments.signals import merge_described
from creativefilter.creatives.segments.usage import Affected
from creativefilter.jobs.models import Job
from creativefilter.spend.imports import importer
from creativefilter.spend.models import SpendTotal
from creativefilter.spend.reports import expected_spend, expected_spend_jobs
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import checks, recount_jobs, segment_changes
from tests.creatives.analysing import run
from tests.spend import reference_spend
from tests.spend.spend_files import table
from tests.spend.test_uncertainty import probabilities_of

pytestmark = pytest.mark.django_db
ROWS = (
    "1,A,B,TV,1000.1234,2021,3", "1,A,B,TV,0.0001,2021,4",  # labelled 4
    "2,A,B,TV,20.5,2021,3",  # labelled 0
    "3,A,C,Radio,300,2021,3",  # predicted 1, with 20 % for 4 and 10 % for 5
    "4,A,C,Radio,4000,2021,3",  # a waiting label, 4
    "5,A,C,Radio,50000,2021,3",  # labelled 6
)  # fmt: skip
BEFORE = {4: Decimal("5000.1235"), 0: Decimal("50020.5"), 1: Decimal(300)}
MERGED = {0: Decimal("55020.6235"), 1: Decimal(300)}


@pytest.fixture
def creatives(tmp_path: Path) -> dict[str, Creative]:
    rows = {n: Creative.objects.create(advertisement_id=n, name=n) for n in "1235"}
    WaitingLabel.objects.create(advertisement_id="4", segment_id=4, source="t.csv")
    importer.import_file(table(tmp_path, *ROWS))
    for name, number in (("1", 4), ("2", 0), ("5", 6)):
        set_label(rows[name], Segment.objects.get(pk=number), None)
    reference_spend.predict([rows["3"]], probabilities_of((0.1, 0.6, 0.0, 0.0, 0.2, 0.1)))
    segment_changes.catch_up()
    return rows


def counted() -> dict[int, Decimal]:
    return dict(SpendTotal.objects.order_by().values_list("segment").annotate(Sum("amount")))


@pytest.mark.usefixtures("creatives")
def test_a_merge_moves_spend_and_undoing_it_moves_it_back(
    django_capture_on_commit_callbacks: object,
) -> None:
    assert counted() == BEFORE
    for change, sums in (
        (lambda: changes.merge(4, 0), MERGED),
        (lambda: changes.undo_merge(4), BEFORE),
    ):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            change()
        assert counted() == sums
        assert checks.check().agrees


@pytest.mark.usefixtures("creatives")
def test_many_advertisements_are_moved_by_a_job(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    monkeypatch.setattr(recount_jobs, "AT_ONCE", 2)
    monkeypatch.setattr(segment_changes, "PART", 1)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        changes.merge(4, 0)
    assert counted() == BEFORE
    assert expected_spend.study(Filters())[0].segments[0].counted == MERGED[0]
    run(Job.objects.get())
    assert counted() == MERGED
    assert checks.check().agrees


@pytest.mark.usefixtures("creatives")
def test_a_label_set_before_the_merge_and_not_counted_yet_counts_under_the_target() -> None:
    set_label(Creative.objects.get(advertisement_id="2"), Segment.objects.get(pk=4), None)
    changes.merge(4, 1)
    segment_changes.catch_up()
    assert counted() == {0: 50000, 1: Decimal("5320.6235")}
    assert checks.check().agrees


@pytest.mark.usefixtures("creatives")
def test_rows_imported_after_the_merge_count_under_the_target(tmp_path: Path) -> None:
    changes.merge(4, 0)
    WaitingLabel.objects.create(advertisement_id="9", segment_id=4, source="t.csv")
    importer.import_file(table(tmp_path, "9,A,B,TV,7,2022,1", name="more.csv"))
    segment_changes.catch_up()
    assert counted()[0] == MERGED[0] + 7
    assert checks.check().agrees


@pytest.mark.usefixtures("creatives")
def test_expected_spend_adds_the_probabilities_of_merged_segments() -> None:
    def expected() -> dict[int, Decimal]:
        return {r.segment: r.expected for r in expected_spend.study(Filters())[0].segments}

    assert expected() == {0: Decimal("50050.5"), 1: 180, 4: Decimal("5060.1235"), 5: 30}
    before = expected_spend_jobs._version()
    # No spend counts under 5, so none is moved.
    changes.merge(5, 4)
    assert expected() == {0: Decimal("50050.5"), 1: 180, 4: Decimal("5090.1235")}
    assert expected_spend_jobs._version() != before
    changes.merge(4, 0)
    segment_changes.catch_up()
    assert expected() == {0: Decimal("55140.6235"), 1: 180}


@pytest.mark.usefixtures("creatives")
def test_a_filter_by_a_merged_segment_selects_what_counts_under_its_target() -> None:
    changes.merge(4, 0)
    segment_changes.catch_up()
    sums = SpendTotal.objects.filter(Filters.of_text("segment=4").on_totals())
    assert sums.aggregate(Sum("amount"))["amount__sum"] == MERGED[0]


@pytest.mark.usefixtures("creatives")
def test_the_spend_that_a_merge_moves_is_described() -> None:
    def sentences(*numbers: int) -> list[str]:
        with translation.override("en"):
            [(_receiver, found)] = merge_described.send(None, affected=Affected.of(numbers))
        return list(found)

    assert sentences(4) == ["Spend: 5,000.12 ₽, placements: 3."]
    assert sentences(18) == ["Spend: 0.00 ₽, placements: 0."]
    changes.merge(4, 0)
    assert sentences(0, 4, 6) == ["Spend: 55,020.62 ₽, placements: 5."]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_merge_waits_for_a_recount_that_still_moves_spend_to_the_segment(
    creatives: dict[str, Creative], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_label(creatives["3"], Segment.objects.get(pk=4), None)
    # The recount moves the watermark past this label, so that no later one looks at it again.
    Label.objects.update(created_at=timezone.now() - 2 * segment_changes.OVERLAP)
    monkeypatch.setattr(recount_jobs, "keep_up", lambda: None)
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            segment_changes.catch_up()
            merge = other.submit(_merge, 4, 0)
            time.sleep(0.5)
            assert not merge.done()
        merge.result(timeout=30)
    segment_changes.catch_up()
    assert counted() == {0: MERGED[0] + 300}
    assert checks.check().agrees


def _merge(number: int, target: int) -> None:
    try:
        changes.merge(number, target)
    finally:
        connection.close()
