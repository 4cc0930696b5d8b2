"""Label batches: preview, set and undo one segment for many creatives.

Labels are append-only: undoing a batch adds the labels that counted before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.models import Creative, Label, LabelBatch, Segment

# Rows of one INSERT.
AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Before:
    """Creatives whose effective segment is ``segment`` now (None: not classified)."""

    segment: int | None
    creatives: int
    labelled: int  # of them labelled by a person
    changing: int  # of them would get a label


@dataclass(frozen=True, slots=True)
class Preview:
    """What a batch would do: ``changing`` creatives get a label, ``same`` have it already."""

    changing: int
    same: int
    before: tuple[Before, ...]


class ChangedError(ValueError):
    """The number of creatives has changed since the preview."""


def preview(creatives: QuerySet[Creative], segment: Segment | None) -> Preview:
    """Count the creatives by effective segment, and those that would get a label.

    With ``segment=None`` every creative counts as changing. Writes nothing.
    """
    change = Count("pk", filter=_lacks(segment)) if segment else Count("pk")
    groups = (
        _asked(creatives)
        .order_by()
        .values_list("effective_segment")
        .annotate(
            creatives=Count("pk"),
            labelled=Count("pk", filter=Q(label_segment__isnull=False)),
            changing=change,
        )
        .order_by("-creatives", "effective_segment")
    )
    before = tuple(Before(*group) for group in groups)
    changing = sum(one.changing for one in before)
    return Preview(changing, sum(one.creatives for one in before) - changing, before)


def relabel(
    creatives: QuerySet[Creative], segment: Segment, author: User | None, note: str, expected: int
) -> LabelBatch:
    """Label every creative that does not have this label yet; all of them or none.

    Args:
        creatives: the creatives to label.
        segment: the segment to set.
        author: who sets it.
        note: stored with each label.
        expected: number of labels to add, as the preview gave it.

    Raises:
        ChangedError: the number of creatives without this label is not ``expected``.
    """
    with transaction.atomic():
        lacking = _asked(creatives).filter(_lacks(segment)).order_by("pk")
        chosen = list(lacking.values_list("pk", flat=True))
        if len(chosen) != expected:
            raise ChangedError(f"{len(chosen)} creatives instead of {expected}")
        batch = LabelBatch.objects.create(
            segment=segment, author=author, note=note, size=len(chosen)
        )
        _add(
            Label(creative_id=pk, segment=segment, author=author, note=note, batch=batch)
            for pk in chosen
        )
        record(Action.LABELS_SET, segment, batch=batch.pk, count=len(chosen))
    return batch


def undo(batch: LabelBatch, author: User | None) -> int | None:
    """Add the labels that counted before the batch; creatives labelled since then keep theirs.

    Returns how many creatives got a label; None if the batch had been undone already.
    """
    earlier = Label.objects.filter(creative=OuterRef("creative"), pk__lt=OuterRef("pk"))
    later = Label.objects.filter(creative=OuterRef("creative"), pk__gt=OuterRef("pk"))
    with transaction.atomic():
        claimed = LabelBatch.objects.filter(pk=batch.pk, undone_at__isnull=True)
        if not claimed.update(undone_at=timezone.now()):
            return None
        before = earlier.order_by("-pk").values("segment")[:1]
        standing = batch.labels.filter(~Exists(later)).annotate(before=Subquery(before))
        rows = list(standing.values_list("creative", "before"))
        note = _("batch %d undone") % batch.pk
        _add(Label(creative_id=pk, segment_id=old, author=author, note=note) for pk, old in rows)
        record(Action.LABELS_UNDONE, batch.segment, batch=batch.pk, count=len(rows))
    batch.refresh_from_db()
    return len(rows)


def _asked(creatives: QuerySet[Creative]) -> Any:
    # By key: the given query may join or group, and each creative must count once.
    asked = creatives.order_by().values("pk")
    return Creative.objects.filter(pk__in=asked).with_effective_segment()


def _lacks(segment: Segment) -> Q:
    return Q(label_segment__isnull=True) | ~Q(label_segment=segment.pk)


def _add(labels: Iterable[Label]) -> None:
    rows = iter(labels)
    while some := list(islice(rows, AT_ONCE)):
        Label.objects.bulk_create(some)
