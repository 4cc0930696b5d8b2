"""The filters of the list of labels."""

from __future__ import annotations

from creativefilter.api.core.filters import FilterSerializer, Segments
from creativefilter.api.core.strict_fields import Moment, RowNumber, Texts


class LabelFilterSerializer(FilterSerializer):
    """Labels that all of these let through."""

    creative = RowNumber(required=False, help_text="Number of a creative.")
    segment = Segments(help_text="Number of a segment, or `none` for those that withdraw.")
    author = Texts(150, source="author__username__in", help_text="User names.")
    batch = RowNumber(required=False, help_text="Number of a batch.")
    created_from = Moment(required=False, source="created_at__gte")
    created_to = Moment(required=False, source="created_at__lt")
