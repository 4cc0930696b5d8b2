"""Reference rows of every database: segments and groups, starter, first settings of decisions."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_migrate
from django.dispatch import receiver

from classifier.segments import GROUPS, MERGED, SEGMENTS
from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.models import Segment, SegmentGroup


@receiver(post_migrate)
def reference_rows(sender: Any, **_: Any) -> None:
    """Add missing segments, groups, starter and first settings after each migrate or flush."""
    if sender.name != "creativefilter.creatives":
        return
    _add_segments()
    model_versions.ensure_starter()
    decision_settings.ensure_first()


def _add_segments() -> None:
    """Add what is missing; what an installation has changed stays as it is."""
    for position, group in enumerate(GROUPS):
        names = {"name": group.name, "name_en": group.name_en, "position": position}
        SegmentGroup.objects.get_or_create(key=group.key, defaults=names)
    shipped = {segment.number: segment for segment in SEGMENTS}
    for number in sorted({*shipped, *MERGED}):
        target = MERGED.get(number)
        segment = shipped[number if target is None else target]
        _row, created = Segment.objects.get_or_create(
            number=number,
            defaults={
                "name": segment.name,
                "name_en": segment.name_en,
                "criteria": segment.criteria,
                "criteria_en": segment.criteria_en,
                "group_id": segment.group,
                "merged_into_id": target,
                "merge_target_id": target,
            },
        )
        if not created:
            # Rows of releases without groups.
            Segment.objects.filter(number=number, group=None).update(group=segment.group)
