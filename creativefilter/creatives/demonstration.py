"""The demonstration creatives, which reports and training leave out."""

from __future__ import annotations

from creativefilter.creatives.models import Creative


def remove_demonstration() -> int:
    """Delete every demonstration creative with its files; return their number."""
    rows = Creative.objects.filter(is_demo=True)
    count = rows.count()
    rows.delete()
    return count
