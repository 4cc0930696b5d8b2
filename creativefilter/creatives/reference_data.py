"""Reference rows of every database: segments, starter model, first settings of decisions."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_migrate
from django.dispatch import receiver

from classifier.segments import SEGMENTS
from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.models import Segment


@receiver(post_migrate)
def reference_rows(sender: Any, **_: Any) -> None:
    """Write the segments, the starter model and the first settings after migrate or flush."""
    if sender.name != "creativefilter.creatives":
        return
    for segment in SEGMENTS:
        Segment.objects.update_or_create(
            number=segment.number,
            defaults={
                "name": segment.name,
                "name_en": segment.name_en,
                "criteria": segment.criteria,
                "criteria_en": segment.criteria_en,
            },
        )
    model_versions.ensure_starter()
    decision_settings.ensure_first()
