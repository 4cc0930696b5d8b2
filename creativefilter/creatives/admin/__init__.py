"""The analyst's pages."""

from creativefilter.creatives.admin.creative import CreativeAdmin
from creativefilter.creatives.admin.reference import SegmentAdmin, WaitingLabelAdmin

__all__ = ["CreativeAdmin", "SegmentAdmin", "WaitingLabelAdmin"]
