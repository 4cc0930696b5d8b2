"""Fields for Advertisement IDs in requests, which may be written in several ways."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError

from creativefilter.api.core.strict_fields import Text, Texts
from creativefilter.creatives import ids


class AdvertisementIdField(Text):
    """An Advertisement ID to be stored, converted to the normal form (``creatives.ids``)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=ids.MAX_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return ids.normal(text) if text else ""
        except ids.IdError as error:
            raise ValidationError(str(error), code="invalid") from error


class AdvertisementIdsFilter(Texts):
    """Filter by any of several IDs, compared both as given and in the normal form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(ids.MAX_LENGTH, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        given: list[str] = super().to_internal_value(data)
        return list(dict.fromkeys([*given, *map(ids.normal_or_given, given)]))
