"""Merging segments: everything counts under the target, no row changes, and it can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives import model_versions
from creativefilter.creatives.labels import batches
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    Prediction,
    Segment,
    WaitingLabel,
)
from creativefilter.creatives.segments import changes
from creativefilter.creatives.segments.changes import SegmentError
from creativefilter.creatives.segments.directory import Directory, Merge, UnknownSegmentError
from creativefilter.creatives.segments.usage import Affected, merged_with
from creativefilter.training import labelled_creatives

pytestmark = pytest.mark.django_db


def segment(number: int) -> Segment:
    return Segment.objects.get(pk=number)


def creative(label: int | None = None, predicted: int | None = None) -> Creative:
    row = Creative.objects.create(name="1.mp4", state=Creative.State.DONE)
    row.current_media = MediaVersion.objects.create(
        creative=row, original_name="1.mp4", sha256=str(row.pk), size=1
    )
    row.save()
    if predicted is not None:
        Prediction.objects.create(
            creative=row, media=row.current_media, model_version=model_versions.active(),
            segment_id=predicted, probability=0.6,
            probabilities={str(predicted): 0.6, "3": 0.25, "5": 0.15},
        )  # fmt: skip
    if label is not None:
        set_label(row, segment(label), None)
    return row


def counted(*rows: Creative) -> list[tuple[int | None, int | None, int | None]]:
    """Return label, prediction and effective segment of each creative."""
    found = {one.pk: one for one in Creative.objects.with_effective_segment()}
    shown: list[Any] = [found[row.pk] for row in rows]
    return [(one.label_segment, one.predicted_segment, one.effective_segment) for one in shown]


def stored() -> tuple[list[Any], list[Any]]:
    return list(Label.objects.values()), list(Prediction.objects.values())


def test_labels_and_predictions_of_a_merged_segment_count_under_its_target() -> None:
    rows = (creative(label=4), creative(predicted=4), creative(label=3, predicted=4))
    before = stored()
    changes.merge(4, 0)
    assert counted(*rows) == [(0, None, 0), (None, 0, 0), (3, 0, 3)]
    assert stored() == before
    changes.undo_merge(4)
    assert counted(*rows) == [(4, None, 4), (None, 4, 4), (3, 4, 3)]
    assert stored() == before


def test_what_was_merged_into_a_merged_segment_follows_it_and_returns_with_it() -> None:
    rows = (creative(label=6), creative(label=0), creative(label=2))
    changes.merge(0, 1)
    changes.merge(2, 1)
    changes.merge(1, 5)
    assert [one[2] for one in counted(*rows)] == [5, 5, 5]
    assert set(Segment.objects.exclude(merged_into=None).values_list("merged_into", flat=True)) == {
        5
    }
    changes.undo_merge(0)
    assert [one[2] for one in counted(*rows)] == [0, 0, 5]
    changes.undo_merge(1)
    assert [one[2] for one in counted(*rows)] == [0, 0, 1]


def test_training_sees_what_a_label_counts_as() -> None:
    row = creative(label=6)
    [found] = labelled_creatives.labelled()
    assert (found.pk, found.label_segment) == (row.pk, 0)


def test_a_batch_of_the_target_leaves_merged_labels_as_they_are(analyst: User) -> None:
    row = creative(label=4)
    changes.merge(4, 0)
    preview = batches.preview(Creative.objects.all(), segment(0))
    assert (preview.changing, preview.same) == (0, 1)
    batch = batches.relabel(Creative.objects.all(), segment(3), analyst, "", 1)
    assert batches.undo(batch, analyst) == 1
    assert counted(row) == [(0, None, 0)]
    changes.undo_merge(4)
    assert counted(row) == [(4, None, 4)]


@pytest.mark.parametrize(("number", "target"), [(4, 4), (4, 6), (6, 3), (4, 15)])
def test_a_merge_that_makes_no_sense_is_refused(number: int, target: int) -> None:
    changes.retire(15)
    before = list(Segment.objects.values())
    with pytest.raises(SegmentError):
        changes.merge(number, target)
    assert list(Segment.objects.values()) == before


def test_a_merge_is_not_undone_while_another_segment_has_the_name() -> None:
    with pytest.raises(SegmentError):
        changes.undo_merge(6)
    assert segment(6).merged_into_id == 0
    again = segment(6)
    again.name, again.name_en = "Промо прочее", ""
    changes.save(again)
    changes.undo_merge(6)
    assert segment(6).merged_into_id is None
    with pytest.raises(SegmentError):
        changes.undo_merge(6)


def test_a_retired_segment_keeps_what_it_has_and_can_be_brought_back() -> None:
    row = creative(label=15)
    changes.retire(15)
    assert counted(row) == [(15, None, 15)]
    assert not Segment.objects.in_use().filter(pk=15).exists()
    for change in (changes.retire, changes.undo_merge):
        with pytest.raises(SegmentError):
            change(15)
    changes.restore(15)
    assert Segment.objects.in_use().filter(pk=15).exists()
    with pytest.raises(SegmentError):
        changes.restore(15)


def test_every_change_is_in_the_audit_log() -> None:
    new = Segment(number=changes.next_number(), name="Страхование", group_id="banks")
    changes.save(new)
    new.criteria = "ОСАГО и КАСКО"
    changes.save(new)
    changes.save(new)  # nothing changed
    changes.merge(19, 13)
    changes.undo_merge(19)
    changes.retire(19)
    changes.restore(19)
    entries = AuditEntry.objects.order_by("pk").values_list("action", "details")
    assert [action for action, _details in entries] == [
        "segment_added", "segment_changed", "segment_merged", "segment_merge_undone",
        "segment_retired", "segment_restored",
    ]  # fmt: skip
    details = [details for _action, details in entries]
    assert details[1]["changes"] == {"criteria": ["", "ОСАГО и КАСКО"]}
    assert details[2] == details[3] == {"into": 13}


@pytest.mark.parametrize("names", [("МУЗЫКА ", ""), ("Страхование", "music"), ("Music", "")])
def test_names_in_use_are_refused_in_any_letter_case(names: tuple[str, str]) -> None:
    with pytest.raises(SegmentError):
        changes.save(Segment(number=19, name=names[0], name_en=names[1], group_id="banks"))
    assert not Segment.objects.filter(pk=19).exists()


def test_a_number_is_used_once() -> None:
    with pytest.raises(SegmentError):
        changes.save(Segment(number=6, name="Страхование", group_id="banks"))
    assert segment(6).merged_into_id == 0


def test_the_directory_applies_merges() -> None:
    changes.merge(4, 0)
    directory = Directory.read()
    assert directory.counted(4).number == directory.counted(6).number == 0
    assert directory.merge_of(4) == Merge(4, 0)
    assert directory.merge_of(0) is None
    assert directory.merged_shares({"4": 0.5, "0": 0.25, "3": 0.25, "77": 0.0}) == {
        0: 0.75, 3: 0.25, 77: 0.0
    }  # fmt: skip
    assert directory.expanded([0]) == {0, 4, 6}
    with pytest.raises(UnknownSegmentError):
        directory.counted(77)
    assert directory.title(77) == "77"


def test_what_a_merge_moves_is_found_by_what_rows_store() -> None:
    rows = (creative(label=4), creative(predicted=4), creative(label=3, predicted=4), creative(6))
    other = creative(label=4)
    set_label(other, segment(9), None)
    WaitingLabel.objects.create(advertisement_id="7", segment_id=4, source="t.csv")
    changes.merge(4, 0)
    found = Affected.of(merged_with(segment(4)))
    assert [one.pk for one in found.labelled] == [rows[0].pk]
    assert [one.pk for one in found.predicted] == [rows[1].pk]
    assert [one.pk for one in found.waiting] == ["7"]
    assert merged_with(segment(0)) == {0, 4, 6}
    assert set(Affected.of({0, 4, 6}).labelled) == {rows[0], rows[3]}
