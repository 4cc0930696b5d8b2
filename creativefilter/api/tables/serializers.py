"""Serializers of requests and responses about tables to classify."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.addresses import address
from creativefilter.api.core.findings import FindingSerializer
from creativefilter.api.jobs.serializers import JobSerializer
from creativefilter.api.predict.serializers import ReferenceResultSerializer
from creativefilter.tables.models import Table


@extend_schema_field({"type": "string", "format": "binary", "minLength": 1})
class TableFileField(serializers.FileField):
    """A file field whose schema forbids an empty file; ``tables.jobs`` refuses such a file."""


class TableUploadSerializer(serializers.Serializer[Any]):
    """A table of advertisements."""

    file = TableFileField(
        allow_empty_file=True,
        help_text="xlsx (50,000 rows at most) or csv (any Russian encoding; comma, semicolon, tab "
        "or vertical bar), also in gz or as the only table in a zip, with a column "
        "`Advertisement ID` in one of the first 20 rows.",
    )


class TableJobSerializer(JobSerializer):
    """The job of a table: poll until `state` is `done`, `failed` or `cancelled`."""

    class Meta(JobSerializer.Meta):
        fields = ("id", "url", "state", "stage", "progress", "error")


class TableCountsSerializer(serializers.Serializer[Any]):
    """The number of rows by `status`."""

    rows = serializers.IntegerField(help_text="All of them; empty lines are none.")
    answered = serializers.IntegerField(help_text="`ok`.")
    silent = serializers.IntegerField(help_text="`no_speech`: known, and there is no segment.")
    unknown = serializers.IntegerField(help_text="`unknown`, `shortened`, `broken`.")
    failed = serializers.IntegerField(help_text="`failed:…` and `not_analysed`.")
    blank = serializers.IntegerField(help_text="`blank`.")
    classified = serializers.IntegerField(
        help_text="Creatives (not rows) that were classified for this table."
    )


class TableSerializer(serializers.ModelSerializer[Table]):
    """An uploaded table and the state of its classification. Only its owner sees it."""

    url = serializers.SerializerMethodField()
    job = TableJobSerializer(
        allow_null=True, help_text="Null once the job is deleted because of its age."
    )
    counts = serializers.SerializerMethodField()
    findings = FindingSerializer(
        many=True, help_text="Encoding, heading, sheets, lines left out, IDs changed …"
    )
    file = serializers.SerializerMethodField()
    kept_until = serializers.DateTimeField(help_text="Then it is removed with its file.")

    class Meta:
        model = Table
        fields = (
            "id",
            "url",
            "name",
            "job",
            "counts",
            "findings",
            "file",
            "created_at",
            "kept_until",
        )

    @extend_schema_field(serializers.URLField())
    def get_url(self, table: Table) -> str:
        return address(self, "table", table.pk)

    @extend_schema_field(TableCountsSerializer(allow_null=True))
    def get_counts(self, table: Table) -> Any:
        return TableCountsSerializer(table.counts).data if table.counts else None

    @extend_schema_field(
        serializers.URLField(allow_null=True, help_text="The answer, once the job is done.")
    )
    def get_file(self, table: Table) -> str | None:
        return address(self, "table-file", table.pk) if table.result else None


class ReferenceTableResultSerializer(ReferenceResultSerializer):
    """The response if there is no table with segments, or not yet."""

    table = serializers.URLField(
        required=False, help_text="Where the table will be; its `file` is the answer."
    )
