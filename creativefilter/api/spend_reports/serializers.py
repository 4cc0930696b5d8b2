"""Serializers of requests and responses about spend reports."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core import segments
from creativefilter.api.core.addresses import address
from creativefilter.api.core.segments import NONE
from creativefilter.api.core.strict_fields import Integer
from creativefilter.api.spend_imports.serializers import SpendMoneyField
from creativefilter.api.spend_reports.filters import SpendFilterSerializer
from creativefilter.creatives.models import Prediction
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.creatives_of_figure import CreativeSpend
from creativefilter.spend.reports.figure_types import Dimension, Key

MONTH = "month"
BY = [dimension.value for dimension in Dimension]
KEY_HELP = (
    "Number of a segment (`none`: not classified), a name (blank: not known), or a month as "
    "2023-01. Null: all the others."
)


class ReportQuerySerializer(SpendFilterSerializer):
    by = serializers.ChoiceField([*BY, MONTH], help_text="What spend is grouped by.")
    most = Integer(
        required=False,
        default=30,
        min_value=1,
        max_value=1000,
        help_text="Rows; what is left is summed up in one more. Months are all shown.",
    )


class MonthlyQuerySerializer(SpendFilterSerializer):
    by = serializers.ChoiceField(BY, help_text="What spend is grouped by.")
    most = Integer(
        required=False,
        default=12,
        min_value=1,
        max_value=100,
        help_text="Number of series; the rest is summed up in one more.",
    )


def key_of(by: str, key: Key | None) -> str | None:
    """Return the filter value that selects only this row; None for the row of all others.

    Args:
        by: What the report is grouped by.
        key: The key of the row.
    """
    if key is None:
        return None
    return NONE if by == Dimension.SEGMENT and key == NOT_CLASSIFIED else str(key)


def name_of(by: str, key: Key | None) -> str | None:
    """Return the name of a row: that of its segment, else its key; None if it has none.

    Args:
        by: What the report is grouped by.
        key: The key of the row.
    """
    if by == Dimension.SEGMENT:
        return segments.name_of(key) if isinstance(key, int) else None
    return None if key is None else str(key)


class OverviewSerializer(serializers.Serializer[Any]):
    """Totals of the spend that passes the filters."""

    amount = SpendMoneyField(help_text="RUB.")
    placements = serializers.IntegerField()
    advertisements = serializers.IntegerField(help_text="Different Advertisement IDs.")
    classified = serializers.IntegerField(
        help_text="Of them with a segment, by their creative or by a waiting label."
    )
    unclassified = serializers.IntegerField(help_text="Of them with a creative, no segment.")
    without_creative = serializers.IntegerField(
        help_text="Of them without a creative here, with or without a waiting label."
    )
    first = serializers.CharField(allow_null=True, help_text="The first month, as 2023-01.")
    last = serializers.CharField(allow_null=True, help_text="The last month.")


class SpendReportRowSerializer(serializers.Serializer[Any]):
    """Spend on a segment or a name, or in a month."""

    key = serializers.CharField(allow_null=True, help_text=KEY_HELP)
    name = serializers.CharField(
        allow_null=True, help_text="For a segment, its name in the dictionary; otherwise the key."
    )
    amount = SpendMoneyField(help_text="RUB.")
    placements = serializers.IntegerField()
    advertisements = serializers.IntegerField(
        help_text="Different Advertisement IDs. One that two brands paid for counts for both."
    )
    share = serializers.FloatField(help_text="Of the filtered sum, 0 to 1.")


class ReportSerializer(serializers.Serializer[Any]):
    """Sums of spend, the largest first; months in chronological order."""

    by = serializers.ChoiceField([*BY, MONTH])
    is_current = serializers.BooleanField(
        help_text="False: many segments have changed just now, and money is still being moved."
    )
    overview = OverviewSerializer()
    rows = SpendReportRowSerializer(many=True)


class MonthlySeriesSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(allow_null=True, help_text=KEY_HELP)
    name = serializers.CharField(allow_null=True)
    amounts = serializers.ListField(child=SpendMoneyField(), help_text="One for each month, RUB.")


class MonthlyReportSerializer(serializers.Serializer[Any]):
    """Sums of spend by month: series with the largest sums first, then one for all others."""

    by = serializers.ChoiceField(BY)
    is_current = serializers.BooleanField(help_text="See the report.")
    months = serializers.ListField(
        child=serializers.CharField(), help_text="As 2023-01, without a gap."
    )
    series = MonthlySeriesSerializer(many=True)


class ExpectedSpendSerializer(serializers.Serializer[Any]):
    """Expected spend of a segment in roubles, by the probabilities of all predictions."""

    segment_num = serializers.IntegerField(source="segment")
    segment = serializers.SerializerMethodField(help_text="Its name in the dictionary.")
    counted = SpendMoneyField(help_text="What the report shows.")
    certain = SpendMoneyField(help_text="The part of it that a person labelled.")
    expected = SpendMoneyField()
    low = SpendMoneyField()
    high = SpendMoneyField()

    def get_segment(self, row: Any) -> str:
        return segments.name_of(row.segment) or ""


class WorthReviewingSerializer(serializers.Serializer[Any]):
    """A creative whose review would narrow the intervals."""

    creative = serializers.IntegerField()
    url = serializers.SerializerMethodField()
    advertisement_id = serializers.CharField()
    name = serializers.CharField()
    segment_num = serializers.IntegerField(source="segment")
    probability = serializers.FloatField()
    amount = SpendMoneyField(help_text="Spend on it, RUB.")
    at_stake = SpendMoneyField(help_text="The standard deviation that it adds to the sums.")
    share = serializers.FloatField(help_text="Of all variance, 0 to 1.")

    @extend_schema_field(serializers.URLField())
    def get_url(self, row: Any) -> str:
        return address(self, "creative", row.creative)


class ExpectedReportSerializer(serializers.Serializer[Any]):
    """Expected spend by segment with intervals, and the creatives that are most worth reviewing."""

    coverage = serializers.FloatField(help_text="How often `low` to `high` holds the truth.")
    is_current = serializers.BooleanField(help_text="False: a newer report is being computed.")
    made_at = serializers.DateTimeField(allow_null=True, help_text="Null: just now.")
    not_classified = SpendMoneyField(help_text="Left out of it.")
    segments = ExpectedSpendSerializer(many=True)
    predicted = serializers.IntegerField(help_text="Creatives whose segment is only predicted.")
    width = SpendMoneyField(help_text="Of all intervals together.")
    width_after = SpendMoneyField(help_text="The same once `review` is reviewed.")
    review = WorthReviewingSerializer(many=True)


class ReportProgressSerializer(serializers.Serializer[Any]):
    """Progress of a report that is still being computed."""

    progress = serializers.IntegerField(help_text="Percent.")


class CreativeSpendSerializer(serializers.Serializer[Any]):
    """An Advertisement ID and the spend on it under the filters."""

    advertisement_id = serializers.CharField()
    creative = serializers.IntegerField(allow_null=True, help_text="Null: it is not here.")
    url = serializers.SerializerMethodField(help_text="Of the creative.")
    name = serializers.CharField()
    segment_num = serializers.SerializerMethodField()
    segment = serializers.SerializerMethodField(help_text="Its name in the dictionary.")
    probability = serializers.FloatField(allow_null=True)
    decision = serializers.ChoiceField(Prediction.Decision.values, allow_null=True)
    reviewed = serializers.BooleanField()
    advertiser = serializers.CharField()
    brand = serializers.CharField()
    media_type = serializers.CharField()
    amount = SpendMoneyField(help_text="RUB.")
    placements = serializers.IntegerField()

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_url(self, row: CreativeSpend) -> str | None:
        return None if row.creative is None else address(self, "creative", row.creative)

    def get_segment_num(self, row: CreativeSpend) -> int | None:
        return None if row.segment == NOT_CLASSIFIED else row.segment

    def get_segment(self, row: CreativeSpend) -> str | None:
        return segments.name_of(row.segment)
