"""The filters of the list of predictions."""

from __future__ import annotations

from creativefilter.api.core.filters import FilterSerializer, Segments
from creativefilter.api.core.strict_fields import Moment, RowNumber, Truth, Word
from creativefilter.creatives.models import Prediction


class PredictionFilterSerializer(FilterSerializer):
    """Predictions that all of these let through."""

    creative = RowNumber(required=False, help_text="Number of a creative.")
    model_version = RowNumber(required=False, help_text="Number of a model version.")
    segment = Segments(help_text="Number of a segment, or `none`.")
    decision = Word(Prediction.Decision.values, required=False)
    conflict = Truth(required=False, help_text="Whether the channels contradict each other.")
    created_from = Moment(required=False, source="created_at__gte")
    created_to = Moment(required=False, source="created_at__lt")
