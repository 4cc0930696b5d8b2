"""Serializers of requests and responses about creatives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from creativefilter.api.core.addresses import address
from creativefilter.api.core.advertisement_ids import AdvertisementIdField
from creativefilter.api.core.filters import is_empty
from creativefilter.api.core.problems import FieldProblemSerializer
from creativefilter.api.core.segments import directory, name_of
from creativefilter.api.core.sparse_fields import LongFields
from creativefilter.api.core.strict_fields import (
    LARGEST,
    MOST_VALUES,
    Boolean,
    Integer,
    MassAction,
    Text,
)
from creativefilter.api.creatives.filters import CreativeFilterSerializer
from creativefilter.api.creatives.rows import LONG
from creativefilter.api.jobs.serializers import JobErrorSerializer
from creativefilter.api.predictions.serializers import (
    ChannelPredictionSerializer,
    channel_predictions,
    shares_of,
)
from creativefilter.api.segments.serializers import (
    NUMBER_HELP,
    SegmentNumberField,
    SegmentShareSerializer,
)
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.models import Creative, MediaVersion, Prediction
from creativefilter.site.codes import sentence


class FrameSerializer(serializers.Serializer[Any]):
    is_exam = serializers.BooleanField(
        allow_null=True,
        help_text="Whether it is in the exam set, which no model version learns. Null until it is "
        "analysed, and for the demonstration.",
    )
    seconds = serializers.FloatField()
    url = serializers.URLField()


class MediaSerializer(serializers.ModelSerializer[MediaVersion]):
    """A media version: its file, its content and URLs. An imported transcript has no file."""

    url = serializers.SerializerMethodField()
    sound_url = serializers.SerializerMethodField()
    frames = serializers.SerializerMethodField()

    class Meta:
        model = MediaVersion
        fields = (
            "id", "original_name", "sha256", "size", "container", "seconds", "partial",
            "share_read", "created_at", "url", "sound_url", "frames",
        )  # fmt: skip

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_url(self, media: MediaVersion) -> str | None:
        """The uploaded file; byte ranges are supported."""
        return address(self, "media", media.pk) if media.file else None

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_sound_url(self, media: MediaVersion) -> str | None:
        """The sound of the file as 16 kHz mono WAV."""
        if not (working_copies.folder(media.pk) / working_copies.AUDIO).is_file():
            return None
        return address(self, "working-copy", media.pk, working_copies.AUDIO)

    @extend_schema_field(FrameSerializer(many=True))
    def get_frames(self, media: MediaVersion) -> list[dict[str, Any]]:
        return [
            {
                "seconds": frame["seconds"],
                "url": address(self, "working-copy", media.pk, frame["file"]),
            }
            for frame in media.probe.get("frames", [])
        ]


class CreativeSerializer(LongFields, serializers.ModelSerializer[Creative]):
    """A creative and its effective segment: the newest label, else the active model's prediction.

    `transcript`, `screen_text`, `probabilities`, `channels` and `media` are left out of lists
    unless `?fields=` names them.
    """

    url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField(help_text="Of its analysis, 0 to 100.")
    segment_num = serializers.IntegerField(source="effective_segment", allow_null=True)
    segment = serializers.SerializerMethodField(help_text="Its name in the dictionary.")
    reviewed = serializers.SerializerMethodField(help_text="Whether a person's label counts.")
    label_segment_num = serializers.IntegerField(source="label_segment", allow_null=True)
    predicted_segment_num = serializers.IntegerField(source="predicted_segment", allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    decision = serializers.ChoiceField(Prediction.Decision.values, allow_null=True)
    threshold = serializers.FloatField(
        source="details.prediction.threshold",
        default=None,
        allow_null=True,
        help_text="The smallest probability of an automatic decision; null if there is none.",
    )
    conflict = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField(help_text="Why nothing was predicted.")
    prediction = serializers.IntegerField(allow_null=True, help_text="Its number.")
    model_version = serializers.SerializerMethodField(help_text="The one that predicted.")
    seconds = serializers.FloatField(
        source="current_media.seconds", default=None, allow_null=True, help_text="Its length."
    )
    media = MediaSerializer(source="current_media", allow_null=True)
    transcript = serializers.CharField(source="details.transcript", help_text="What is said in it.")
    screen_text = serializers.CharField(
        source="details.screen_text", help_text="The words on its pictures, line by line."
    )
    probabilities = serializers.SerializerMethodField()
    channels = serializers.SerializerMethodField()

    class Meta:
        model = Creative
        fields = (
            "id", "url", "advertisement_id", "name", "state", "progress", "error",
            "segment_num", "segment", "reviewed", "label_segment_num", "predicted_segment_num",
            "probability", "decision", "threshold", "conflict", "reason", "prediction",
            "model_version", "advertiser", "brand", "media_type", "is_demo", "is_exam", "seconds",
            "created_at",
            "media", "transcript", "screen_text", "probabilities", "channels",
        )  # fmt: skip
        read_only_fields = fields
        long_fields = LONG

    @extend_schema_field(serializers.URLField())
    def get_url(self, creative: Creative) -> str:
        return address(self, "creative", creative.pk)

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, creative: Creative) -> dict[str, str] | None:
        if not creative.error_code:
            return None
        return {"code": creative.error_code, "message": sentence(creative.error_code)}

    def get_progress(self, creative: Creative) -> int:
        ended = creative.state in (Creative.State.DONE, Creative.State.FAILED)
        return 100 if ended or creative.job is None else creative.job.progress

    def get_segment(self, creative: Any) -> str | None:
        return name_of(creative.effective_segment)

    def get_reviewed(self, creative: Any) -> bool:
        return creative.label_segment is not None

    def get_conflict(self, creative: Any) -> bool | None:
        prediction = creative.details.prediction
        return prediction.conflict if prediction else None

    @extend_schema_field(serializers.ChoiceField(Prediction.Reason.choices, allow_null=True))
    def get_reason(self, creative: Any) -> str | None:
        return creative.reason or None

    def get_model_version(self, creative: Any) -> int | None:
        prediction = creative.details.prediction
        return prediction.model_version_id if prediction else None

    @extend_schema_field(SegmentShareSerializer(many=True))
    def get_probabilities(self, creative: Any) -> list[dict[str, Any]]:
        prediction = creative.details.prediction
        return shares_of(prediction.probabilities, directory()) if prediction else []

    @extend_schema_field(ChannelPredictionSerializer(many=True))
    def get_channels(self, creative: Any) -> Any:
        prediction = creative.details.prediction
        return channel_predictions(prediction.channels, directory()) if prediction else []


class LabelChangeSerializer(serializers.Serializer[Any]):
    """A label for a creative. If `segment_num` is null, it withdraws the previous label."""

    segment_num = SegmentNumberField(allow_null=True, help_text=NUMBER_HELP)
    note = Text(required=False, allow_blank=True, default="", max_length=255)


class CreativeChangeSerializer(serializers.Serializer[Any]):
    """Changes of a creative. Fields that are left out stay as they are."""

    advertisement_id = AdvertisementIdField(
        required=False,
        allow_null=True,
        help_text="Null: it belongs to no advertisement.",
    )
    label = LabelChangeSerializer(required=False)  # type: ignore[assignment]


class CreativeUploadSerializer(serializers.Serializer[Any]):
    """Files to classify."""

    file = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        min_length=1,
        max_length=100,
        help_text="One part for each file: wav, mp4, avi, flv, webm (wbm), ogg, ogv.",
    )
    advertisement_id = AdvertisementIdField(
        required=False,
        allow_blank=True,
        help_text="Only for a single file. By default the file's name without its extension, if "
        "that is a number.",
    )


class UploadedSerializer(serializers.Serializer[Any]):
    """The outcome for one file: `accepted` with a creative and a job, or refused with a problem."""

    name = serializers.CharField()
    accepted = serializers.BooleanField()
    known = serializers.BooleanField(help_text="A file with the same bytes was already stored.")
    creative = serializers.IntegerField(allow_null=True)
    url = serializers.URLField(allow_null=True, help_text="Of the creative.")
    job = serializers.UUIDField(allow_null=True)
    job_url = serializers.URLField(allow_null=True)
    problem = FieldProblemSerializer(allow_null=True)


class UploadsSerializer(serializers.Serializer[Any]):
    """The outcome for each file, in the order of the request."""

    accepted = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = UploadedSerializer(many=True)


class RetryFailedSerializer(MassAction, serializers.Serializer[Any]):
    """Which failed creatives to analyse again: by default all of them."""

    error_codes = serializers.ListField(
        child=Text(max_length=64),
        required=False,
        min_length=1,
        max_length=MOST_VALUES,
        help_text="Only creatives whose `error.code` is one of these.",
    )
    filter = CreativeFilterSerializer(
        required=False, help_text="All creatives that the list shows under these filters."
    )
    dry_run = Boolean(default=False, help_text="Return the number and change nothing.")
    expected = Integer(
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text="`queued` as a dry run returned it. If the number has changed, nothing is "
        "queued (409). Required without `error_codes` and without a filter.",
    )

    def is_for_all(self, attrs: dict[str, Any]) -> bool:
        filters = attrs.get("filter", {}).values()
        return "error_codes" not in attrs and all(map(is_empty, filters))


class RetriedSerializer(serializers.Serializer[Any]):
    """The number of creatives that are analysed again."""

    queued = serializers.IntegerField(help_text="Creatives that are analysed again, or would be.")
