"""Serializers of requests and responses about exports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.addresses import address
from creativefilter.api.jobs.serializers import JobErrorSerializer
from creativefilter.api.spend_reports.filters import SpendFilterSerializer
from creativefilter.jobs.models import Job
from creativefilter.sheets.write import Form
from creativefilter.site.codes import sentence
from creativefilter.spend.reports import export_jobs
from creativefilter.spend.reports.filters import Filters

KINDS = ["creatives"]
FORMATS = {"xlsx": Form.XLSX, "csv": Form.CSV, "csv_excel": Form.EXCEL_CSV}
FORMAT_HELP = "`csv`: UTF-8, commas. `csv_excel`: UTF-8 with BOM, semicolons, decimal commas."


class ExportCreateSerializer(serializers.Serializer[Any]):
    """The kind, format and filters of a new export."""

    kind = serializers.ChoiceField(
        KINDS,
        help_text="`creatives`: every Advertisement ID that money was spent on, with its segment, "
        "its creative and its spend under the filters.",
    )
    format = serializers.ChoiceField(list(FORMATS), help_text=FORMAT_HELP)
    filters = SpendFilterSerializer(required=False)


class ExportSerializer(serializers.ModelSerializer[Job]):
    """A table that is written in the background; fetch it from `download_url` once it is done."""

    url = serializers.SerializerMethodField()
    job_url = serializers.SerializerMethodField()
    kind = serializers.SerializerMethodField()
    format = serializers.SerializerMethodField(help_text=FORMAT_HELP)
    filters = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    rows = serializers.SerializerMethodField()
    bytes = serializers.SerializerMethodField()
    download_url = serializers.SerializerMethodField(
        help_text="Null if the file is not written yet or no longer stored."
    )
    kept_until = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = (
            "id", "url", "job_url", "kind", "format", "filters", "state", "progress",
            "created_at", "finished_at", "error", "rows", "bytes", "download_url", "kept_until",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_url(self, job: Job) -> str:
        return address(self, "export", job.pk)

    @extend_schema_field(serializers.URLField())
    def get_job_url(self, job: Job) -> str:
        return address(self, "job", job.pk)

    @extend_schema_field(serializers.ChoiceField(KINDS))
    def get_kind(self, job: Job) -> str:
        return KINDS[0]

    @extend_schema_field(serializers.ChoiceField(list(FORMATS)))
    def get_format(self, job: Job) -> str:
        return next(name for name, form in FORMATS.items() if form == job.params["form"])

    @extend_schema_field(SpendFilterSerializer())
    def get_filters(self, job: Job) -> dict[str, Any]:
        return SpendFilterSerializer(Filters.of_text(job.params["query"])).data

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        if job.state != Job.State.FAILED:
            return None
        return {"code": job.error_code, "message": sentence(job.error_code)}

    def get_rows(self, job: Job) -> int | None:
        return (job.result or {}).get("rows")

    def get_bytes(self, job: Job) -> int | None:
        return (job.result or {}).get("bytes")

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_download_url(self, job: Job) -> str | None:
        if job.state != Job.State.DONE or not export_jobs.file_of(job).is_file():
            return None
        return address(self, "export-download", job.pk)

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_kept_until(self, job: Job) -> datetime | None:
        if job.finished_at is None:
            return None
        return job.finished_at + timedelta(seconds=export_jobs.KEPT_SECONDS)
