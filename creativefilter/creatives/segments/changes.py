"""Merging, retiring and saving segments. Each change writes an entry of the audit log with it.

No row of a label or prediction is changed: they count under ``Segment.merged_into``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.models import Segment, SegmentGroup
from creativefilter.creatives.segments.signals import segments_mapped
from creativefilter.site.errors import UserError


class SegmentError(UserError):
    """A change of segments is not possible; the message is for the user."""


@contextmanager
def _locked() -> Iterator[dict[int, Segment]]:
    """Give all segments by number; others who change segments wait until this ends."""
    with transaction.atomic():
        rows = Segment.objects.select_for_update().order_by("pk")
        yield {one.number: one for one in rows}


def next_number() -> int:
    """Return the number after the largest one; no number is used twice."""
    last = Segment.objects.order_by("-number").values_list("number", flat=True).first()
    return 0 if last is None else last + 1


def check_names(segment: Segment, others: dict[int, Segment]) -> None:
    """Check that no other segment that counts for itself has the Russian or English name.

    Args:
        segment: The segment with the names to check.
        others: All segments by number.

    Raises:
        SegmentError: Another one has the name, apart from letter case.
    """
    taken = {
        _skeleton(name): one
        for one in others.values()
        if one.number != segment.number and one.merged_into_id is None
        for name in (one.name, one.name_en)
        if name
    }
    for name in filter(None, (segment.name, segment.name_en)):
        if other := taken.get(_skeleton(name)):
            raise SegmentError(
                _("Segment %(number)s has the name “%(name)s” already.")
                % {"number": other.number, "name": name}
            )


def _skeleton(name: str) -> str:
    return " ".join(name.split()).casefold()


def save(segment: Segment) -> None:
    """Store a new or changed segment, without its merge and retirement.

    Raises:
        SegmentError: Another segment has one of the names, or the number of a new one.
    """
    with _locked() as rows:
        old = rows.get(segment.number)
        if segment._state.adding and old is not None:
            raise SegmentError(_("There is a segment with the number %s already.") % old.number)
        if segment.merged_into_id is None:
            check_names(segment, rows)
        changes = {
            name: [getattr(old, name) if old else "", getattr(segment, name)]
            for name in ("name", "name_en", "criteria", "criteria_en", "group_id")
            if old is None or getattr(old, name) != getattr(segment, name)
        }
        # Of a stored one only these: it may have been merged since it was read.
        segment.save(update_fields=list(changes) if old else None)
        if changes:
            action = Action.SEGMENT_CHANGED if old else Action.SEGMENT_ADDED
            record(action, segment, changes=changes)


def save_group(group: SegmentGroup) -> None:
    """Store a new or changed group of segments."""
    with transaction.atomic():
        group.save()
        record(Action.SEGMENT_GROUP_SAVED, group, key=group.pk)


def merge(number: int, target: int) -> None:
    """Let everything of a segment, and of those merged into it, count under another one.

    Raises:
        SegmentError: The segment is merged already, or the target can't take it.
    """
    with _locked() as rows:
        segment, other = rows[number], rows[target]
        if segment.merge_target_id is not None:
            raise SegmentError(_("%s is merged already.") % segment)
        if number == target or other.merge_target_id is not None or other.retired_at:
            raise SegmentError(_("Choose another segment that is neither merged nor retired."))
        segment.merge_target = other
        _store(rows)
        record(Action.SEGMENT_MERGED, segment, into=target)
        segments_mapped.send(None, counted=number)


def undo_merge(number: int) -> None:
    """Let everything of a merged segment, and of those merged into it, count under it again.

    Raises:
        SegmentError: The segment is not merged, or another one has its name by now.
    """
    with _locked() as rows:
        segment = rows[number]
        if segment.merged_into_id is None:
            raise SegmentError(_("%s is not merged.") % segment)
        counted = segment.merged_into_id
        target = segment.merge_target_id
        segment.merge_target = None
        _store(rows)
        check_names(segment, rows)
        record(Action.SEGMENT_MERGE_UNDONE, segment, into=target)
        segments_mapped.send(None, counted=counted)


def _store(rows: dict[int, Segment]) -> None:
    """Save the segments with what they count as, which follows from their merge targets."""
    for segment in rows.values():
        end = segment
        while end.merge_target_id is not None:
            end = rows[end.merge_target_id]
        segment.merged_into = None if end is segment else end
    Segment.objects.bulk_update(rows.values(), ["merge_target", "merged_into"])


def retire(number: int) -> None:
    """Take a segment out of use: it can't be chosen any more.

    Raises:
        SegmentError: The segment is merged or retired.
    """
    with _locked() as rows:
        segment = rows[number]
        if segment.merged_into_id is not None or segment.retired_at:
            raise SegmentError(_("%s is not in use.") % segment)
        Segment.objects.filter(pk=number).update(retired_at=timezone.now())
        record(Action.SEGMENT_RETIRED, segment)


def restore(number: int) -> None:
    """Bring a retired segment back into use.

    Raises:
        SegmentError: The segment is not retired.
    """
    with _locked() as rows:
        segment = rows[number]
        if not segment.retired_at:
            raise SegmentError(_("%s is not retired.") % segment)
        Segment.objects.filter(pk=number).update(retired_at=None)
        record(Action.SEGMENT_RESTORED, segment)
