"""Merging, retiring and saving segments. Each change writes an entry of the audit log with it.

No row of a label or prediction is changed: they count under ``Segment.merged_into``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
        # NO KEY: writers of predictions and labels refer to segments and need not wait.
        rows = Segment.objects.select_for_update(no_key=True).order_by("pk")
        yield {one.number: one for one in rows}


def next_number() -> int:
    """Return the number after the largest one; no number is used twice."""
    last = Segment.objects.order_by("-number").values_list("number", flat=True).first()
    return 0 if last is None else last + 1


def skeleton(name: str) -> str:
    """Return what two names that differ only in letter case and blanks have in common."""
    return " ".join(name.split()).casefold()


def _check_names(rows: Iterable[Segment]) -> None:
    """Check that segments that count for themselves have different names.

    Raises:
        SegmentError: Two of them have a name that differs in letter case and blanks at most.
    """
    taken: dict[str, Segment] = {}
    for segment in rows:
        if segment.merged_into_id is not None:
            continue
        for name in filter(None, (segment.name, segment.name_en)):
            other = taken.setdefault(skeleton(name), segment)
            if other.number != segment.number:
                raise SegmentError(
                    _("The segments %(first)s and %(second)s would have the same name: “%(name)s”.")
                    % {"first": other.number, "second": segment.number, "name": name}
                )


def check(*segments: Segment) -> None:
    """Check what ``save`` checks. Within a transaction, ``save`` then succeeds until it ends.

    Raises:
        SegmentError: See ``save``.
    """
    with _locked() as rows:
        _checked(segments, rows)


def _checked(segments: Iterable[Segment], rows: dict[int, Segment]) -> None:
    for segment in segments:
        if segment._state.adding and segment.number in rows:
            number = segment.number
            raise SegmentError(_("There is a segment with the number %s already.") % number)
    _check_names({**rows, **{one.number: one for one in segments}}.values())


def save(*segments: Segment) -> None:
    """Store new or changed segments, all or none. What they count as changes by ``merge`` only.

    Raises:
        SegmentError: A new segment has the number of another one, or two segments would have the
            same name.
    """
    with _locked() as rows:
        _checked(segments, rows)
        for segment in segments:
            _save(segment, rows.get(segment.number))


def _save(segment: Segment, old: Segment | None) -> None:
    changes = {
        name: [getattr(old, name) if old else "", getattr(segment, name)]
        for name in ("name", "name_en", "criteria", "criteria_en", "group_id")
        if old is None or getattr(old, name) != getattr(segment, name)
    }
    if old is None:
        segment.save(force_insert=True)
        record(Action.SEGMENT_ADDED, segment, changes=changes)
    elif changes:
        # Only these: it may have been merged since it was read.
        segment.save(update_fields=list(changes))
        record(Action.SEGMENT_CHANGED, segment, changes=changes)


def add_merged(segment: Segment, target: int) -> None:
    """Store a new segment that repeats another one, merged into it from the start.

    Raises:
        SegmentError: There is a segment with its number, or the target can't take it.
    """
    with _locked() as rows:
        # Merged, it may have the name of the other one.
        segment.merged_into = segment.merge_target = _target(rows, segment.number, target)
        _checked([segment], rows)
        _save(segment, None)
        record(Action.SEGMENT_MERGED, segment, into=target)


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
        segment = rows[number]
        if segment.merge_target_id is not None:
            raise SegmentError(_("%s is merged already.") % segment)
        segment.merge_target = _target(rows, number, target)
        _store(rows)
        record(Action.SEGMENT_MERGED, segment, into=target)
        segments_mapped.send(None, counted=number)


def _target(rows: dict[int, Segment], number: int, target: int) -> Segment:
    """Return the segment into which ``number`` is to be merged, if that is possible."""
    other = rows.get(target)
    if other is None or number == target or other.merged_into_id is not None or other.retired_at:
        raise SegmentError(_("Choose another segment that is neither merged nor retired."))
    return other


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
        _check_names(rows.values())
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
