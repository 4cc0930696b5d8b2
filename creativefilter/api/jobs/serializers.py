"""Shapes of requests and answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from classifier.channels import CHANNELS
from creativefilter.api.core.strict_fields import Whole
from creativefilter.creatives.analysis.stages import ANALYSE
from creativefilter.creatives.models import Segment
from creativefilter.jobs import kinds, timings
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence

STAGE_STATES = ["waiting", "skipped", *Job.State.values]
# Where programs find what jobs are about.
LINKS = {
    "creatives.Creative": "api:creative",
    "spend.SpendImport": "api:spend-import",
    "tables.Table": "api:table",
}


class UploadSerializer(serializers.Serializer[Any]):
    """A creative to classify."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="The creative: wav, mp4, avi, flv, webm (wbm), ogg, ogv."
    )
    advertisement_id = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="By default the file's name without its extension, if that is a number.",
    )


class WaitSerializer(serializers.Serializer[Any]):
    """How long the answer may wait for the job."""

    wait = Whole(
        required=False,
        default=0,
        min_value=0,
        max_value=60,
        help_text="Seconds to wait for the job to end before answering, 60 at most.",
    )


class CandidateSerializer(serializers.Serializer[Any]):
    segment_num = serializers.IntegerField()
    probability = serializers.FloatField()


class ChannelSerializer(serializers.Serializer[Any]):
    """What one channel says by itself."""

    name = serializers.ChoiceField(CHANNELS)
    segment_num = serializers.IntegerField()
    probability = serializers.FloatField()


class AnalysisSerializer(serializers.Serializer[Any]):
    """What was decided on a creative. With nothing said or shown `segment` is null, with a reason.

    A `decision` of `review` asks for a person; `conflict` says that channels contradict each other.
    """

    creative = serializers.IntegerField()
    advertisement_id = serializers.CharField(allow_null=True)
    segment_num = serializers.IntegerField(allow_null=True)
    segment = serializers.CharField(allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    decision = serializers.ChoiceField(["auto", "review"])
    conflict = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)
    candidates = CandidateSerializer(many=True)
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
        allow_null=True, help_text="What its last attempt took; null until it has ended."
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
        return reverse("api:job", args=[job.pk], request=self.context.get("request"))

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
            child=serializers.URLField(), help_text="What the job is about, by its kind."
        )
    )
    def get_links(self, job: Job) -> dict[str, str]:
        kind = kinds.find(job.kind)
        if kind is None or kind.subject is None or kind.subject.model not in LINKS:
            return {}
        key = job.params[kind.subject.param]
        address = reverse(
            LINKS[kind.subject.model], args=[key], request=self.context.get("request")
        )
        return {kind.subject.param: address}

    @extend_schema_field(AnalysisSerializer(allow_null=True))
    def get_result(self, job: Job) -> dict[str, Any] | None:
        # What other kinds of work come to is told where they were begun.
        return job.result if job.kind == ANALYSE.name else None

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        if job.state != Job.State.FAILED:
            return None
        kind = kinds.find(job.kind)
        message = kind.explain(job) if kind else sentence(job.error_code)
        return {"code": job.error_code, "message": message}


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    class Meta:
        model = Segment
        fields = ("number", "name", "name_en", "criteria", "criteria_en")


class ReferenceResultSerializer(serializers.Serializer[Any]):
    """The reference service's answer, with a reason where there is no segment."""

    result = serializers.CharField(allow_null=True, help_text="The segment's name.")
    reason = serializers.CharField(required=False, help_text="Why `result` is null.")
    message = serializers.CharField(required=False)
    job = serializers.URLField(required=False, help_text="Where to ask for the outcome later.")
