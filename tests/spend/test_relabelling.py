"""Label batches: preview, set one segment for many creatives, undo."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from creativefilter.creatives.labels import batches
from creativefilter.creatives.labels.batches import Before, ChangedError
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, Segment

pytestmark = pytest.mark.django_db


@pytest.fixture
def segment() -> Segment:
    return Segment.objects.get(pk=5)


@pytest.fixture
def four() -> list[Creative]:
    """Creatives without a label, with another label, with the same label, with a withdrawn one."""
    rows = [Creative.objects.create(name=f"{number}.mp4") for number in range(4)]
    set_label(rows[1], Segment.objects.get(pk=3), None)
    set_label(rows[2], Segment.objects.get(pk=5), None)
    set_label(rows[3], Segment.objects.get(pk=7), None)
    set_label(rows[3], None, None)
    return rows


def effective() -> list[int | None]:
    rows = Creative.objects.with_effective_segment().order_by("pk")
    return list(rows.values_list("effective_segment", flat=True))


def test_a_preview_counts_what_would_change_and_writes_nothing(
    four: list[Creative], segment: Segment
) -> None:
    found = batches.preview(Creative.objects.all(), segment)
    assert (found.changing, found.same) == (3, 1)
    assert found.before == (Before(None, 2, 0, 2), Before(3, 1, 1, 1), Before(5, 1, 1, 0))
    assert Label.objects.count() == 4


def test_setting_and_undoing_a_batch_only_adds_labels(
    four: list[Creative], segment: Segment, analyst: User
) -> None:
    before = effective()
    earlier = list(Label.objects.order_by("pk").values())
    batch = batches.relabel(Creative.objects.all(), segment, analyst, "по списку", 3)
    assert effective() == [5, 5, 5, 5]
    set_by_batch = batch.labels.order_by("creative_id")
    assert [(one.creative_id, one.author, one.note) for one in set_by_batch] == [
        (four[place].pk, analyst, "по списку") for place in (0, 1, 3)
    ]

    assert batches.undo(batch, analyst) == 3
    assert effective() == before
    assert batch.undone_at
    assert list(Label.objects.order_by("pk").values())[: len(earlier)] == earlier
    assert Label.objects.count() == len(earlier) + 6
    assert batches.undo(batch, analyst) is None
    assert Label.objects.count() == len(earlier) + 6


def test_undoing_keeps_labels_that_were_set_after_the_batch(
    four: list[Creative], segment: Segment
) -> None:
    batch = batches.relabel(Creative.objects.all(), segment, None, "", 3)
    set_label(four[1], Segment.objects.get(pk=9), None)
    assert batches.undo(batch, None) == 2
    assert effective() == [None, 9, 5, None]


def test_a_list_that_grew_since_the_preview_is_not_labelled(
    four: list[Creative], segment: Segment
) -> None:
    Creative.objects.create(name="another.mp4")
    with pytest.raises(ChangedError):
        batches.relabel(Creative.objects.all(), segment, None, "", 3)
    assert Label.objects.count() == 4


def test_a_batch_may_be_larger_than_one_insert(segment: Segment) -> None:
    count = batches.AT_ONCE + 1
    Creative.objects.bulk_create([Creative(name="x") for _ in range(count)])
    batch = batches.relabel(Creative.objects.all(), segment, None, "", count)
    assert batch.size == batch.labels.count() == count
    assert batches.undo(batch, None) == count
    assert set(effective()) == {None}
