"""Admin pages of creatives, for analysts."""

from creativefilter.creatives.admin.creative import CreativeAdmin
from creativefilter.creatives.admin.decision_settings_page import DecisionSettingsAdmin
from creativefilter.creatives.admin.reference_pages import (
    SegmentAdmin,
    WaitingLabelAdmin,
    WatchedFileAdmin,
)

__all__ = [
    "CreativeAdmin",
    "DecisionSettingsAdmin",
    "SegmentAdmin",
    "WaitingLabelAdmin",
    "WatchedFileAdmin",
]
