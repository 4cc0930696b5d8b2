"""Admin pages of creatives, for analysts."""

from creativefilter.creatives.admin.creative import CreativeAdmin
from creativefilter.creatives.admin.decision_settings_page import DecisionSettingsAdmin
from creativefilter.creatives.admin.reference_pages import WaitingLabelAdmin, WatchedFileAdmin
from creativefilter.creatives.admin.segment import SegmentAdmin, SegmentGroupAdmin

__all__ = [
    "CreativeAdmin",
    "DecisionSettingsAdmin",
    "SegmentAdmin",
    "SegmentGroupAdmin",
    "WaitingLabelAdmin",
    "WatchedFileAdmin",
]
