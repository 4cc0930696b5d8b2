"""Labels are append-only, with author and note."""

from __future__ import annotations

from typing import Any

import pytest

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import AppendOnlyError, Creative, Label, Segment

pytestmark = pytest.mark.django_db


@pytest.fixture
def label(analyst: Any) -> Label:
    creative = Creative.objects.create(name="1.avi")
    return set_label(creative, Segment.objects.get(pk=3), analyst, "купон в кадре")


def test_a_label_has_author_and_note(label: Label, analyst: Any) -> None:
    label.refresh_from_db()
    assert (label.author, label.note, label.segment_id) == (analyst, "купон в кадре", 3)


def test_a_label_is_never_changed(label: Label) -> None:
    label.segment = Segment.objects.get(pk=4)
    with pytest.raises(AppendOnlyError):
        label.save()
    label.refresh_from_db()
    assert label.segment_id == 3


def test_a_label_is_never_deleted_alone(label: Label) -> None:
    with pytest.raises(AppendOnlyError):
        label.delete()
    assert Label.objects.count() == 1


def test_withdrawing_adds_a_row(label: Label, analyst: Any) -> None:
    set_label(label.creative, None, analyst)
    assert [row.segment_id for row in label.creative.labels.all()] == [None, 3]


def test_labels_outlive_their_author_and_go_with_their_creative(label: Label, analyst: Any) -> None:
    analyst.delete()
    label.refresh_from_db()
    assert label.author is None
    label.creative.delete()
    assert not Label.objects.exists()
