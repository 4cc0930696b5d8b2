"""Names that creatives get from their spend, and spend that moves with their segments."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from creativefilter.creatives import model_versions
from creativefilter.creatives.labels import imports
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    ModelVersion,
    Prediction,
    WaitingLabel,
)
from creativefilter.sheets import Place, Record
from creativefilter.spend.models import NOT_CLASSIFIED, Advertisement, SpendTotal, Watermark
from creativefilter.spend.reports import figures as report
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import checks, creative_links, segment_changes
from tests.spend.spend_files import imported, prepared, table

pytestmark = pytest.mark.django_db

# Spend of 100: МАГНИТ 6 (COSMETIC 4, FAMILY 2), ВКУСВИЛЛ 5 in one row; Radio 7, TV 4.
ROWS = (
    "100,МАГНИТ,FAMILY,Radio,2,2021,3",
    "100,МАГНИТ,COSMETIC,TV,4,2021,3",
    "100,ВКУСВИЛЛ,ВКУСВИЛЛ,Radio,5,2021,4",
    "200,,СБЕР,,1,2021,3",
)


def creative(advertisement_id: str, **fields: Any) -> Creative:
    return Creative.objects.create(
        advertisement_id=advertisement_id, name=f"{advertisement_id}.avi", **fields
    )


def names_of(row: Creative) -> tuple[str, str, str]:
    row.refresh_from_db()
    return row.advertiser, row.brand, row.media_type


def predicted(row: Creative, segment: int | None, version: ModelVersion | None = None) -> None:
    media = row.current_media
    if media is None:
        media = MediaVersion.objects.create(
            creative=row, original_name=row.name, sha256=row.name, size=1
        )
        row.current_media = media
        row.save(update_fields=["current_media"])
    Prediction.objects.create(
        creative=row,
        media=media,
        model_version=version or model_versions.active(),
        segment_id=segment,
    )


def totals() -> dict[tuple[int, bool], Decimal]:
    found = SpendTotal.objects.order_by().values_list("segment", "reviewed").annotate(Sum("amount"))
    return {(segment, reviewed): amount for segment, reviewed, amount in found}


# Advertiser, brand, media type


def test_a_creative_gets_the_names_with_the_most_spend(tmp_path: Path) -> None:
    row = creative("100")
    other = creative("200")
    without_spend = creative("300")
    report = prepared(table(tmp_path, *ROWS)).report
    assert (report.advertisements, report.known_creatives) == (2, 2)
    imported(table(tmp_path, *ROWS))
    # The advertiser with the most spend, its brand with the most, and the media type with the
    # most spend in all rows.
    assert names_of(row) == ("МАГНИТ", "COSMETIC", "Radio")
    assert names_of(other) == ("", "СБЕР", "")
    assert names_of(without_spend) == ("", "", "")


def test_names_that_a_creative_already_has_are_kept(tmp_path: Path) -> None:
    row = creative("100", advertiser="Магнит", media_type="TV")
    imported(table(tmp_path, *ROWS))
    assert names_of(row) == ("Магнит", "COSMETIC", "TV")
    imported(table(tmp_path, "100,X,Y,Z,1000,2022,1", name="more.csv"))
    assert names_of(row) == ("Магнит", "COSMETIC", "TV")


def test_equal_sums_are_decided_by_placements_then_by_name(tmp_path: Path) -> None:
    first, second = creative("1"), creative("2")
    imported(
        table(
            tmp_path,
            "1,Б,Б,TV,2,2021,3", "1,А,А,TV,1,2021,3", "1,А,А,OOH,1,2021,3",
            "2,Б,Б,TV,0,2021,3", "2,А,А,Radio,0,2021,3",
        )
    )  # fmt: skip
    assert names_of(first) == ("А", "А", "TV")
    assert names_of(second) == ("А", "А", "Radio")


def test_a_creative_created_after_the_import_gets_its_names_at_once(tmp_path: Path) -> None:
    imported(table(tmp_path, *ROWS))
    row = creative("100")
    # The instance is updated, too, since the caller goes on using it.
    assert (row.advertiser, row.brand, row.media_type) == ("МАГНИТ", "COSMETIC", "Radio")
    assert Advertisement.objects.get(creative=row).advertisement_id == "100"
    row.save()
    assert checks.check().agrees


def test_creatives_created_in_bulk_are_linked(tmp_path: Path) -> None:
    imported(table(tmp_path, *ROWS))
    [row] = Creative.objects.bulk_create([Creative(advertisement_id="100", name="100")])
    assert creative_links.unlinked(Creative.objects.all()).count() == 1
    # The creative is still to be linked by ``catch_up``: the check reports nothing.
    assert checks.check().agrees
    segment_changes.catch_up()
    assert names_of(row) == ("МАГНИТ", "COSMETIC", "Radio")
    assert checks.check().agrees


def test_demonstration_creatives_have_no_spend(tmp_path: Path) -> None:
    row = creative("100", is_demo=True)
    imported(table(tmp_path, *ROWS))
    assert names_of(row) == ("", "", "")
    assert not Advertisement.objects.filter(creative__isnull=False).exists()
    # It is no demonstration any more.
    row.is_demo = False
    row.save(update_fields=["is_demo"])
    assert names_of(row) == ("МАГНИТ", "COSMETIC", "Radio")


def test_a_changed_id_links_the_creative_to_another_advertisement(tmp_path: Path) -> None:
    imported(table(tmp_path, *ROWS))
    row = creative("100")
    row.advertisement_id = "200"
    row.save()
    assert Advertisement.objects.get(creative=row).advertisement_id == "200"
    assert checks.check().agrees


# Segments


def test_spend_is_counted_under_the_effective_segment(tmp_path: Path) -> None:
    row = creative("100")
    predicted(row, 10)
    Label.objects.create(creative=creative("200"), segment_id=12)
    imported(table(tmp_path, *ROWS, "300,A,B,TV,3,2021,3"))
    assert totals() == {
        (10, False): Decimal(11),
        (12, True): Decimal(1),
        (NOT_CLASSIFIED, False): Decimal(3),
    }


def test_spend_moves_with_labels_predictions_and_deletions(tmp_path: Path) -> None:
    row = creative("100")
    imported(table(tmp_path, "100,A,B,TV,11,2021,3"))

    def counted() -> dict[tuple[int, bool], Decimal]:
        segment_changes.catch_up()
        assert checks.check().agrees
        return totals()

    def only(segment: int, reviewed: bool) -> dict[tuple[int, bool], Decimal]:
        return {(segment, reviewed): Decimal(11)}

    assert counted() == only(NOT_CLASSIFIED, False)
    predicted(row, 10)
    assert counted() == only(10, False)
    Label.objects.bulk_create([Label(creative=row, segment_id=12)])
    assert counted() == only(12, True)
    Label.objects.create(creative=row, segment=None)
    assert counted() == only(10, False)
    predicted(row, None)
    assert counted() == only(NOT_CLASSIFIED, False)
    predicted(row, 3)
    # A new media version without a prediction.
    row.current_media = MediaVersion.objects.create(
        creative=row, original_name="b", sha256="b", size=1
    )
    row.save(update_fields=["current_media"])
    assert counted() == only(NOT_CLASSIFIED, False)
    predicted(row, 4)
    assert counted() == only(4, False)
    row.delete()
    assert counted() == only(NOT_CLASSIFIED, False)


def test_spend_moves_with_the_active_model_version(tmp_path: Path) -> None:
    row = creative("100")
    predicted(row, 10)
    other = ModelVersion.objects.create(name="other", digest="o", folder="o")
    predicted(row, 12, other)
    imported(table(tmp_path, "100,A,B,TV,11,2021,3"))
    segment_changes.catch_up()
    assert totals() == {(10, False): Decimal(11)}
    model_versions.activate(other)
    assert segment_changes.catch_up() == 1
    assert totals() == {(12, False): Decimal(11)}


def test_a_label_that_becomes_visible_late_is_not_missed(tmp_path: Path) -> None:
    """Keys are assigned before the commit: a row may become visible after one with a higher key."""
    rows = [creative("100"), creative("200")]
    imported(table(tmp_path, *ROWS))
    late = Label(pk=900, creative=rows[0], segment_id=10)
    Label.objects.bulk_create([Label(pk=901, creative=rows[1], segment_id=12)])
    segment_changes.catch_up()
    Label.objects.bulk_create([late])
    segment_changes.catch_up()
    assert totals() == {(10, True): Decimal(11), (12, True): Decimal(1)}


def test_the_watermark_covers_old_labels(tmp_path: Path) -> None:
    row = creative("100")
    imported(table(tmp_path, *ROWS))
    label = Label.objects.create(creative=row, segment_id=10)
    long_ago = timezone.now() - 2 * segment_changes.OVERLAP
    Label.objects.update(created_at=long_ago)
    Creative.objects.update(created_at=long_ago)
    segment_changes.catch_up()
    mark = Watermark.objects.get()
    assert (mark.label, mark.creative) == (label.pk, row.pk)


def test_catching_up_without_changes_writes_nothing(tmp_path: Path) -> None:
    Label.objects.create(creative=creative("100"), segment_id=10)
    imported(table(tmp_path, *ROWS))
    segment_changes.catch_up()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert segment_changes.catch_up() == 0
    assert all(query["sql"].startswith("SELECT") for query in queries)


# Waiting labels


def waits(name: str, segment: int) -> None:
    row = Record(Place(0, 2, ""), (name, str(segment)))
    imports.import_labels([row], "labels.csv")


def test_a_waiting_label_counts_before_its_creative_exists(tmp_path: Path) -> None:
    waits("100", 10)
    imported(table(tmp_path, *ROWS))
    # The import itself counts the label, without ``catch_up``.
    assert totals() == {(10, True): Decimal(11), (NOT_CLASSIFIED, False): Decimal(1)}
    overview = report.overview(Filters())
    assert (overview.classified, overview.unclassified, overview.unknown) == (1, 0, 1)
    # Neither Advertisement ID has a creative that could be labelled in the list.
    assert overview.without_creative == 2
    waits("200", 12)
    waits("100", 3)
    assert segment_changes.misplaced(Creative.objects.all()) == 2
    assert checks.check().agrees, "the check must not report pending changes"
    assert segment_changes.catch_up() == 2
    assert totals() == {(3, True): Decimal(11), (12, True): Decimal(1)}
    assert checks.check().agrees
    assert segment_changes.catch_up() == 0


def test_a_waiting_label_becomes_a_label_of_its_creative(tmp_path: Path) -> None:
    waits("100", 10)
    imported(table(tmp_path, "100,A,B,TV,11,2021,3"))
    row = creative("100")
    imports.take_waiting([row])
    segment_changes.catch_up()
    assert totals() == {(10, True): Decimal(11)}
    Label.objects.create(creative=row, segment=None)
    segment_changes.catch_up()
    assert totals() == {(NOT_CLASSIFIED, False): Decimal(11)}
    row.delete()
    assert checks.check().agrees


def test_labels_set_after_the_clock_was_set_back_count(tmp_path: Path) -> None:
    imported(table(tmp_path, *ROWS))
    segment_changes.catch_up()
    ahead = timezone.now() + timedelta(hours=1)
    Watermark.objects.update(looked_at=ahead, waiting=ahead - segment_changes.OVERLAP)
    waits("100", 10)
    assert segment_changes.catch_up() == 1
    assert totals()[10, True] == Decimal(11)
    assert Watermark.objects.get().looked_at < ahead


def test_the_watermark_covers_old_waiting_labels(tmp_path: Path) -> None:
    imported(table(tmp_path, *ROWS))
    waits("100", 10)
    segment_changes.catch_up()
    WaitingLabel.objects.update(created_at=timezone.now() - 2 * segment_changes.OVERLAP, segment=12)
    # A change without a new ``created_at``: only ``checks`` and a full ``refresh`` notice it.
    assert segment_changes.catch_up() == 0
    assert checks.check().misplaced == 1
    assert segment_changes.refresh(Creative.objects.all()) == 1
    assert totals()[12, True] == Decimal(11)
