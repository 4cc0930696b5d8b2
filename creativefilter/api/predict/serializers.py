"""Serializers of an upload to classify, and of the reference service's response."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from creativefilter.api.core.advertisement_ids import AdvertisementIdField


class UploadSerializer(serializers.Serializer[Any]):
    """A creative to classify."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="The creative: wav, mp4, avi, flv, webm (wbm), ogg, ogv."
    )
    advertisement_id = AdvertisementIdField(
        required=False,
        allow_blank=True,
        help_text="By default the file's name without its extension, if that is a number.",
    )


class ReferenceResultSerializer(serializers.Serializer[Any]):
    """The reference service's response, with a reason if there is no segment."""

    result = serializers.CharField(allow_null=True, help_text="The segment's name.")
    reason = serializers.CharField(required=False, help_text="Why `result` is null.")
    message = serializers.CharField(required=False)
    job = serializers.URLField(required=False, help_text="Where to ask for the outcome later.")
