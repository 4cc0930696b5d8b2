"""The demonstration creatives, which are no part of reports and training."""

from __future__ import annotations

from creativefilter.creatives.models import Creative


def remove_demonstration() -> int:
    """Deletes every demonstration creative with its files; returns how many there were."""
    rows = Creative.objects.filter(is_demo=True)
    count = rows.count()
    rows.delete()
    return count
