"""Predictions with the related rows that responses need."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from creativefilter.creatives.models import Prediction

# Fields that are left out of lists unless ``?fields=`` names them.
LONG = frozenset({"probabilities", "channels"})


def with_long_fields(
    rows: QuerySet[Prediction], long: Collection[str] = LONG
) -> QuerySet[Prediction]:
    """Return predictions with version, settings, and what the long fields are computed from.

    Args:
        rows: The predictions.
        long: The long fields that the response has.
    """
    found = rows.select_related("model_version", "parameters__settings")
    found = found.defer("model_version__metrics")
    if LONG & set(long):
        return found.select_related("model_version", "parameters__settings", "inputs")
    return found.defer("parameters__values", "former_probabilities", "former_channels")
