"""Serializers of requests and responses about imports of spend."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.addresses import address
from creativefilter.api.core.findings import FindingSerializer
from creativefilter.api.core.strict_fields import Boolean
from creativefilter.api.jobs.serializers import JobErrorSerializer, JobSerializer
from creativefilter.site.codes import sentence
from creativefilter.spend.fields import PLACES
from creativefilter.spend.models import BadRow, SpendImport


class StartSerializer(serializers.Serializer[Any]):
    """Options of an import."""

    mode = serializers.ChoiceField(
        SpendImport.Mode.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="What to do with months of the file that already have spend. Without it, an "
        "import with such months fails and changes nothing.",
    )
    strict = Boolean(default=False, help_text="All rows or none; else the bad rows are left out.")
    dry_run = Boolean(default=False, help_text="Read and report; change nothing.")


class SpendUploadSerializer(StartSerializer):
    """A table of spend and the options of its import."""

    file = serializers.FileField(
        allow_empty_file=True,
        help_text="csv, xlsx, xls, xlsb or ods, also in gz or as the only table in a zip.",
    )


class SpendMoneyField(serializers.DecimalField):
    """An exact amount in roubles."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=19, decimal_places=PLACES, **options)


class MonthSumSerializer(serializers.Serializer[Any]):
    month = serializers.DateField(help_text="Its first day.")
    rows = serializers.IntegerField()
    amount = SpendMoneyField()


class BadRowSerializer(serializers.Serializer[Any]):
    """A row that can't be used."""

    sheet = serializers.CharField(default="", help_text="Of a workbook; else blank.")
    line = serializers.IntegerField(help_text="Line of the file; its heading counts.")
    reason = serializers.ChoiceField(BadRow.Reason.choices)
    message = serializers.SerializerMethodField()
    cells = serializers.ListField(child=serializers.CharField())

    def get_message(self, row: dict[str, Any]) -> str:
        """The reason as a sentence in the language of Accept-Language."""
        return str(BadRow.Reason(row["reason"]).label)


class SpendReportSerializer(serializers.Serializer[Any]):
    """The content of the file, and the spend that is stored for its months already."""

    container = serializers.CharField(help_text="csv, xlsx, xls, xlsb or ods; csv.gz, zip.")
    encoding = serializers.CharField()
    delimiter = serializers.CharField(help_text="Blank for xlsx.")
    decimal_mark = serializers.CharField()
    rows = serializers.IntegerField(help_text="Good rows.")
    bad_rows = serializers.IntegerField()
    rounded = serializers.IntegerField(
        help_text="Amounts with more than four decimal places; they were rounded."
    )
    amount = SpendMoneyField(help_text="Sum of the good rows, RUB.")
    advertisements = serializers.IntegerField()
    known_creatives = serializers.IntegerField(help_text="Advertisements with a creative here.")
    months = MonthSumSerializer(many=True)
    existing = MonthSumSerializer(
        many=True, help_text="What was there for these months; replacing them removes it."
    )
    known_import = serializers.IntegerField(
        allow_null=True, help_text="The import that brought the same table before."
    )
    bad_examples = BadRowSerializer(many=True, help_text="The first bad rows.")
    findings = FindingSerializer(
        many=True, default=[], help_text="Encoding, heading, sheets, lines left out, IDs changed …"
    )


class SpendJobSerializer(JobSerializer):
    """The last job of an import: poll until `state` is `done`, `failed` or `cancelled`."""

    class Meta(JobSerializer.Meta):
        fields = ("id", "url", "state", "progress")


class SpendImportSerializer(serializers.ModelSerializer[SpendImport]):
    """An uploaded table of spend and the state of its import."""

    url = serializers.SerializerMethodField()
    amount = SpendMoneyField(help_text="Sum of the good rows, RUB.")
    owner = serializers.CharField(source="owner.username", default=None, allow_null=True)
    error = serializers.SerializerMethodField()
    job = SpendJobSerializer(allow_null=True)

    class Meta:
        model = SpendImport
        fields: tuple[str, ...] = (
            "id", "url", "name", "state", "mode", "strict", "rows", "bad_rows", "amount", "owner",
            "created_at", "imported_at", "error", "job",
        )  # fmt: skip

    @extend_schema_field(serializers.URLField())
    def get_url(self, row: SpendImport) -> str:
        return address(self, "spend-import", row.pk)

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, row: SpendImport) -> dict[str, str] | None:
        if row.state != SpendImport.State.FAILED or not row.error_code:
            return None
        return {"code": row.error_code, "message": sentence(row.error_code, row.error_params)}


class SpendImportDetailSerializer(SpendImportSerializer):
    """An import with the report on its file."""

    header = serializers.ListField(
        child=serializers.CharField(), help_text="The columns of the file."
    )
    report = serializers.SerializerMethodField()
    bad_rows_url = serializers.SerializerMethodField()

    class Meta(SpendImportSerializer.Meta):
        fields = (*SpendImportSerializer.Meta.fields, "header", "report", "bad_rows_url")

    @extend_schema_field(SpendReportSerializer(allow_null=True))
    def get_report(self, row: SpendImport) -> Any:
        return SpendReportSerializer(row.report).data if row.report else None

    @extend_schema_field(serializers.URLField())
    def get_bad_rows_url(self, row: SpendImport) -> str:
        return address(self, "spend-import-bad-rows", row.pk)
