"""The label that a person sets on one creative."""

from __future__ import annotations

from django.contrib.auth.models import User

from creativefilter.creatives.models import Creative, Label, Segment


def set_label(
    creative: Creative, segment: Segment | None, author: User | None, note: str = ""
) -> Label:
    """Add a label; ``segment=None`` withdraws the label, so that the prediction counts again."""
    return Label.objects.create(creative=creative, segment=segment, author=author, note=note)
