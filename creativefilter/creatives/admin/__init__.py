"""The analyst's pages."""

from creativefilter.creatives.admin.creative import CreativeAdmin
from creativefilter.creatives.admin.reference import ModelVersionAdmin, SegmentAdmin

__all__ = ["CreativeAdmin", "ModelVersionAdmin", "SegmentAdmin"]
