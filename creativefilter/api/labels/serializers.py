"""Serializers of requests and responses about labels and label batches."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.addresses import address
from creativefilter.api.core.filters import is_empty
from creativefilter.api.core.segments import name_of
from creativefilter.api.core.strict_fields import (
    LARGEST,
    Boolean,
    Integer,
    MassAction,
    OneOfFields,
    RowNumber,
    Text,
)
from creativefilter.api.creatives.filters import CreativeFilterSerializer
from creativefilter.api.creatives.serializers import LabelChangeSerializer
from creativefilter.api.segments.serializers import NUMBER_HELP, SegmentNumberField
from creativefilter.creatives.models import Label, LabelBatch

# Most creatives that one request can name. A filter can select any number of them.
MOST_NAMED = 10_000


class LabelSerializer(serializers.ModelSerializer[Label]):
    """A segment that a person set. Without a segment it withdraws the label before it."""

    url = serializers.SerializerMethodField()
    creative_url = serializers.SerializerMethodField()
    segment_num = serializers.IntegerField(source="segment_id", allow_null=True)
    segment = serializers.SerializerMethodField(help_text="Its name in the dictionary.")
    author = serializers.CharField(
        source="author.username",
        default=None,
        allow_null=True,
        help_text="Null: it was imported, or the user is gone.",
    )

    class Meta:
        model = Label
        fields = (
            "id", "url", "creative", "creative_url", "segment_num", "segment", "author", "note",
            "batch", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_url(self, label: Label) -> str:
        return address(self, "label", label.pk)

    @extend_schema_field(serializers.URLField())
    def get_creative_url(self, label: Label) -> str:
        return address(self, "creative", label.creative_id)

    def get_segment(self, label: Label) -> str | None:
        return name_of(label.segment_id)


class LabelCreateSerializer(OneOfFields, LabelChangeSerializer):
    """A label for one creative, given by its number or its Advertisement ID."""

    one_of = ("creative", "advertisement_id")
    creative = RowNumber(required=False)
    advertisement_id = Text(required=False, max_length=64)


class LabelBatchSerializer(serializers.ModelSerializer[LabelBatch]):
    """Labels that were set in one action and can be undone together."""

    url = serializers.SerializerMethodField()
    segment_num = serializers.IntegerField(source="segment_id")
    segment = serializers.SerializerMethodField(help_text="Its name in the dictionary.")
    author = serializers.CharField(source="author.username", default=None, allow_null=True)

    class Meta:
        model = LabelBatch
        fields: tuple[str, ...] = (
            "id", "url", "segment_num", "segment", "author", "note", "size", "created_at",
            "undone_at",
        )  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {"size": {"help_text": "Creatives that were labelled."}}

    @extend_schema_field(serializers.URLField())
    def get_url(self, batch: LabelBatch) -> str:
        return address(self, "label-batch", batch.pk)

    def get_segment(self, batch: LabelBatch) -> str | None:
        return name_of(batch.segment_id)


class LabelBatchUndoneSerializer(LabelBatchSerializer):
    """A batch after it was undone."""

    restored = serializers.IntegerField(
        help_text="Creatives whose earlier state is restored; creatives labelled since then stay "
        "as they are."
    )

    class Meta(LabelBatchSerializer.Meta):
        fields = (*LabelBatchSerializer.Meta.fields, "restored")


class LabelBatchCreateSerializer(MassAction, OneOfFields, serializers.Serializer[Any]):
    """One segment for many creatives.

    Exactly one of `creatives`, `advertisement_ids` and `filter` selects them.
    """

    one_of = ("creatives", "advertisement_ids", "filter")
    segment_num = SegmentNumberField(help_text=NUMBER_HELP)
    note = Text(required=False, allow_blank=True, default="", max_length=255)
    creatives = serializers.ListField(
        child=RowNumber(),
        required=False,
        min_length=1,
        max_length=MOST_NAMED,
        help_text="Numbers of creatives.",
    )
    advertisement_ids = serializers.ListField(
        child=Text(max_length=64),
        required=False,
        min_length=1,
        max_length=MOST_NAMED,
    )
    filter = CreativeFilterSerializer(
        required=False, help_text="All creatives that the list shows under these filters."
    )
    dry_run = Boolean(default=False, help_text="Only report what would change.")
    expected = Integer(
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text="`changing` of a dry run. If it has changed since, nothing is set (409). "
        "Required if `filter` selects all creatives.",
    )

    def is_for_all(self, attrs: dict[str, Any]) -> bool:
        return "filter" in attrs and all(map(is_empty, attrs["filter"].values()))


class CountedBeforeSerializer(serializers.Serializer[Any]):
    """How many of the creatives had a segment before the change."""

    segment_num = serializers.IntegerField(
        source="segment", allow_null=True, help_text="Null: not classified."
    )
    creatives = serializers.IntegerField()
    labelled = serializers.IntegerField(help_text="Of them by a person.")


class LabelBatchOutcomeSerializer(serializers.Serializer[Any]):
    """What was changed or, with `dry_run`, what would be changed."""

    batch = LabelBatchSerializer(allow_null=True, help_text="Null after a dry run.")
    changing = serializers.IntegerField(help_text="Creatives that get the label.")
    same = serializers.IntegerField(help_text="Creatives that carried it already.")
    before = CountedBeforeSerializer(many=True)
    unknown_creatives = serializers.ListField(
        child=serializers.IntegerField(), help_text="Numbers of which there is no creative."
    )
    unknown_advertisement_ids = serializers.ListField(
        child=serializers.CharField(), help_text="IDs of which there is no creative."
    )
