"""Creatives with their media, predictions, labels and families.

Predictions and labels are separate rows: neither ever overwrites the other.
"""

from __future__ import annotations

from creativefilter.creatives.models.creative import Creative, CreativeQuerySet
from creativefilter.creatives.models.decision import (
    DecisionChange,
    DecisionInputs,
    DecisionParameters,
    DecisionSettings,
)
from creativefilter.creatives.models.family import (
    Family,
    FamilyLink,
    Fingerprint,
    FingerprintKey,
    UnitMember,
)
from creativefilter.creatives.models.label import AppendOnlyError, Label, LabelBatch, WaitingLabel
from creativefilter.creatives.models.media import (
    MediaVersion,
    PictureVector,
    ScreenReading,
    Transcript,
    storage_name,
)
from creativefilter.creatives.models.prediction import ModelVersion, Prediction
from creativefilter.creatives.models.segment import Segment, SegmentGroup, counted_segment
from creativefilter.creatives.models.watched_file import WatchedFile

__all__ = [
    "AppendOnlyError",
    "Creative",
    "CreativeQuerySet",
    "DecisionChange",
    "DecisionInputs",
    "DecisionParameters",
    "DecisionSettings",
    "Family",
    "FamilyLink",
    "Fingerprint",
    "FingerprintKey",
    "Label",
    "LabelBatch",
    "MediaVersion",
    "ModelVersion",
    "PictureVector",
    "Prediction",
    "ScreenReading",
    "Segment",
    "SegmentGroup",
    "Transcript",
    "UnitMember",
    "WaitingLabel",
    "WatchedFile",
    "counted_segment",
    "storage_name",
]
