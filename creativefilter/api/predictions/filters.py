"""The filters of the list of predictions."""

from __future__ import annotations

from creativefilter.api.core.filters import FilterSerializer, Segments
from creativefilter.api.core.strict_fields import Boolean, Choice, DateTime, RowNumber
from creativefilter.creatives.models import Prediction


class PredictionFilterSerializer(FilterSerializer):
    """Filters of predictions, combined with AND."""

    creative = RowNumber(required=False, help_text="Number of a creative.")
    model_version = RowNumber(required=False, help_text="Number of a model version.")
    segment = Segments(help_text="Number of a segment, or `none`.")
    decision = Choice(Prediction.Decision.values, required=False)
    conflict = Boolean(required=False, help_text="Whether the channels contradict each other.")
    created_from = DateTime(required=False, source="created_at__gte")
    created_to = DateTime(
        required=False, source="created_at__lt", help_text="Made before this time."
    )
