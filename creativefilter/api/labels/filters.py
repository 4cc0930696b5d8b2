"""The filters of the list of labels."""

from __future__ import annotations

from creativefilter.api.core.filters import FilterSerializer, Segments
from creativefilter.api.core.strict_fields import DateTime, RowNumber, Texts


class LabelFilterSerializer(FilterSerializer):
    """Filters of labels, combined with AND."""

    creative = RowNumber(required=False, help_text="Number of a creative.")
    segment = Segments(
        help_text="Number of a segment, or `none` for entries that withdraw a label."
    )
    author = Texts(150, source="author__username__in", help_text="User names.")
    batch = RowNumber(required=False, help_text="Number of a batch.")
    created_from = DateTime(required=False, source="created_at__gte")
    created_to = DateTime(
        required=False, source="created_at__lt", help_text="Set before this time."
    )
