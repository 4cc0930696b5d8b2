"""Serializers of responses about jobs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.channels import CHANNELS
from creativefilter.api.core.addresses import address
from creativefilter.api.segments.serializers import SegmentShareSerializer
from creativefilter.creatives.analysis.stages import ANALYSE
from creativefilter.jobs import kinds, timings
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence

STAGE_STATES = ["waiting", "skipped", *Job.State.values]
# URL name of the view for each model that a job can be about.
LINKS = {
    "creatives.Creative": "creative",
    "spend.SpendImport": "spend-import",
    "tables.Table": "table",
}


class ChannelSerializer(serializers.Serializer[Any]):
    """The segment that one channel predicts by itself."""

    name = serializers.ChoiceField(CHANNELS)
    segment_num = serializers.IntegerField()
    probability = serializers.FloatField()


class AnalysisSerializer(serializers.Serializer[Any]):
    """The result of an analysis. Without speech and screen text `segment` is null, with a reason.

    If `decision` is `review`, a person has to decide. `conflict`: whether the channels contradict
    each other.
    """

    creative = serializers.IntegerField()
    advertisement_id = serializers.CharField(allow_null=True)
    segment_num = serializers.IntegerField(allow_null=True)
    segment = serializers.CharField(allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    decision = serializers.ChoiceField(["auto", "review"])
    threshold = serializers.FloatField(
        allow_null=True,
        default=None,
        help_text="The smallest probability of an automatic decision; null if there is none.",
    )
    conflict = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)
    candidates = SegmentShareSerializer(many=True)
    channels = ChannelSerializer(many=True)
    transcript = serializers.CharField()
    screen_text = serializers.CharField(help_text="The words on the pictures, line by line.")
    model_version = serializers.CharField()


class JobErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField(help_text="A sentence in the language of Accept-Language.")


class StageSerializer(serializers.Serializer[Any]):
    """One stage of a job."""

    name = serializers.CharField()
    state = serializers.ChoiceField(
        STAGE_STATES,
        help_text="`skipped`: another job had done it before.",
    )
    started_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(
        allow_null=True, help_text="Duration of the last attempt; null until the stage has ended."
    )
    attempts = serializers.IntegerField()


class JobSerializer(serializers.ModelSerializer[Job]):
    """A job: poll `url` until `state` is `done`, `failed` or `cancelled`."""

    url = serializers.SerializerMethodField()
    progress = serializers.IntegerField(min_value=0, max_value=100, help_text="Percent.")
    place = serializers.SerializerMethodField()
    stages = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields: tuple[str, ...] = (
            "id",
            "url",
            "kind",
            "state",
            "stage",
            "progress",
            "place",
            "attempts",
            "stages",
            "created_at",
            "started_at",
            "finished_at",
            "links",
            "result",
            "error",
        )

    @extend_schema_field(serializers.URLField())
    def get_url(self, job: Job) -> str:
        return address(self, "job", job.pk)

    @extend_schema_field(
        serializers.IntegerField(
            allow_null=True,
            min_value=0,
            max_value=timings.MOST,
            help_text="How many jobs will be taken before it; null unless it is queued. Counted "
            f"up to {timings.MOST}.",
        )
    )
    def get_place(self, job: Job) -> int | None:
        places = self.context.get("places")
        return (timings.places([job]) if places is None else places).get(job.pk)

    @extend_schema_field(StageSerializer(many=True))
    def get_stages(self, job: Job) -> Any:
        return StageSerializer(timings.stages_of(job), many=True).data

    @extend_schema_field(
        serializers.DictField(
            child=serializers.URLField(),
            help_text="URL of the resource that the job works on, by its name; empty if there is "
            "none.",
        )
    )
    def get_links(self, job: Job) -> dict[str, str]:
        kind = kinds.find(job.kind)
        if kind is None or kind.subject is None or kind.subject.model not in LINKS:
            return {}
        key = job.params[kind.subject.param]
        return {kind.subject.param: address(self, LINKS[kind.subject.model], key)}

    @extend_schema_field(AnalysisSerializer(allow_null=True))
    def get_result(self, job: Job) -> dict[str, Any] | None:
        # The results of other kinds of jobs are shown by the resources that started them.
        return job.result if job.kind == ANALYSE.name else None

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        if job.state != Job.State.FAILED:
            return None
        kind = kinds.find(job.kind)
        message = kind.explain(job) if kind else sentence(job.error_code)
        return {"code": job.error_code, "message": message}
